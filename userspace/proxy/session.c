// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "session.h"

#include <string.h>
#include <strings.h>

#include "../model/siphash.h"

#define CODE_LENGTH 16

/* cookies (RFC 6265, 4.2 and 5.4) */

static struct h1_text trim(struct h1_text text)
{
	while (text.length && (*text.at == ' ' || *text.at == '\t')) {
		text.at++;
		text.length--;
	}
	while (text.length && (text.at[text.length - 1] == ' ' || text.at[text.length - 1] == '\t'))
		text.length--;
	return text;
}

/* Takes the next pair from a line of them. */
static struct h1_text next_pair(struct h1_text *rest)
{
	const char *end = memchr(rest->at, ';', rest->length);
	struct h1_text pair = {rest->at, end ? (size_t)(end - rest->at) : rest->length};
	size_t used = pair.length + (end != NULL);

	rest->at += used;
	rest->length -= used;
	return trim(pair);
}

static struct h1_text find_in(struct h1_text line, struct h1_text name)
{
	while (line.length) {
		struct h1_text pair = next_pair(&line);

		if (pair.length > name.length && pair.at[name.length] == '=' &&
		    !memcmp(pair.at, name.at, name.length))
			return (struct h1_text){pair.at + name.length + 1,
						pair.length - name.length - 1};
	}
	return (struct h1_text){0};
}

struct h1_text session_cookie(const struct h1_head *head, struct h1_text name)
{
	static const char cookie[] = "cookie";
	struct h1_text found = {0};

	for (unsigned i = 0; !found.at && i < head->count; i++) {
		const struct h1_header *header = &head->headers[i];

		if (header->name_length == sizeof(cookie) - 1 &&
		    !strncasecmp(header->name, cookie, header->name_length))
			found = find_in(h1_value(header), name);
	}
	return found;
}

/* codes */

static void make_code(const struct image *image, const struct image_pool *pool,
		      const struct image_member *member, uint8_t ret_code[CODE_LENGTH])
{
	static const char use[8] = "session";
	uint8_t bytes[sizeof(use) + 2 * sizeof(uint64_t)];

	memcpy(bytes, use, sizeof(use));
	memcpy(bytes + sizeof(use), &pool->key, sizeof(pool->key));
	memcpy(bytes + sizeof(use) + sizeof(pool->key), &member->key, sizeof(member->key));
	siphash_128(image->head->secret, bytes, sizeof(bytes), ret_code);
}

static void make_codes(struct routing *routing, uint32_t pool)
{
	const struct image *image = &routing->image;
	struct image_range members = image->pools[pool].members;

	if (routing->has_sessions[pool])
		return;
	for (uint32_t i = members.first; i < members.first + members.count; i++)
		make_code(image, &image->pools[pool], &image->members[i], routing->sessions[i]);
	routing->has_sessions[pool] = true;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_code(struct h1_text text, uint8_t ret_code[CODE_LENGTH])
{
	if (text.length != 2 * CODE_LENGTH)
		return false;
	for (size_t i = 0; i < CODE_LENGTH; i++) {
		int high = digit(text.at[2 * i]), low = digit(text.at[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret_code[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* How long it takes says nothing of where they differ. */
static bool same_code(const uint8_t a[CODE_LENGTH], const uint8_t b[CODE_LENGTH])
{
	uint8_t difference = 0;

	for (size_t i = 0; i < CODE_LENGTH; i++)
		difference |= a[i] ^ b[i];
	return !difference;
}

static struct h1_text text_of(const struct image *image, struct image_text text)
{
	return (struct h1_text){image_string(image, text), text.length};
}

bool session_find(struct routing *routing, uint32_t route, const struct h1_head *head,
		  uint32_t *ret_pool, uint32_t *ret_member)
{
	const struct image *image = &routing->image;
	const struct image_route *of = &image->routes[route];
	uint8_t code[CODE_LENGTH];

	if (!read_code(session_cookie(head, text_of(image, of->session_name)), code))
		return false;
	for (uint32_t b = of->backends.first; b < of->backends.first + of->backends.count; b++) {
		uint32_t pool = image->backends[b].pool;
		struct image_range members = image->pools[pool].members;

		make_codes(routing, pool);
		for (uint32_t i = members.first; i < members.first + members.count; i++) {
			if (!same_code(code, routing->sessions[i]))
				continue;
			*ret_pool = pool;
			*ret_member = i;
			return true;
		}
	}
	return false;
}

uint64_t session_hash(const struct image *image, enum image_hash_by by, struct image_text name,
		      const struct h1_head *head, const struct addr *peer)
{
	struct h1_text value = {0};
	const struct h1_header *header;
	uint8_t bytes[8];
	uint64_t hash;

	if (by == IMAGE_HASH_COOKIE)
		value = session_cookie(head, text_of(image, name));
	header = by == IMAGE_HASH_HEADER ? h1_find_other(head, image_string(image, name)) : NULL;
	if (header)
		value = h1_value(header);
	if (!value.at)
		value = (struct h1_text){(const char *)peer->byte, sizeof(peer->byte)};
	siphash_64(image->head->secret, value.at, value.length, bytes);
	memcpy(&hash, bytes, sizeof(hash));
	return hash;
}

void session_write(struct routing *routing, uint32_t route, uint32_t pool, uint32_t member,
		   struct h1_writer *writer)
{
	static const char digits[] = "0123456789abcdef";
	const struct image *image = &routing->image;
	const struct image_route *of = &image->routes[route];
	char code[2 * CODE_LENGTH];

	make_codes(routing, pool);
	for (size_t i = 0; i < CODE_LENGTH; i++) {
		code[2 * i] = digits[routing->sessions[member][i] >> 4];
		code[2 * i + 1] = digits[routing->sessions[member][i] & 15];
	}
	h1_write_string(writer, "Set-Cookie: ");
	h1_write_text(writer, text_of(image, of->session_name));
	h1_write_string(writer, "=");
	h1_write(writer, code, sizeof(code));
	h1_write_string(writer, "; Path=/; HttpOnly; SameSite=Lax");
	if (image->listeners[of->listener].protocol == IMAGE_HTTPS)
		h1_write_string(writer, "; Secure");
	h1_write_string(writer, "\r\n");
}
