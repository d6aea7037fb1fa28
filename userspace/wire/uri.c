// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "uri.h"

#include "h1_scan.h"

static const struct {
	const char *name, *sentence;
} errors[] = {
#define URI_ERROR(name, sentence) {#name, sentence},
#include "uri_errors.def"
#undef URI_ERROR
};

static int error_row(int error)
{
	if (error >= -URI_ERROR_BASE || error <= -URI_ERROR_END)
		return -1;
	return -error - URI_ERROR_BASE - 1;
}

const char *uri_error_name(int error)
{
	return error_row(error) < 0 ? NULL : errors[error_row(error)].name;
}

const char *uri_error_sentence(int error)
{
	return error_row(error) < 0 ? NULL : errors[error_row(error)].sentence;
}

/* What is written: always shorter than, or as long as, what was read. */
struct output {
	char *buffer;
	size_t used;
};

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 3986, 2.3 */
static bool is_unreserved(unsigned byte)
{
	unsigned letter = byte | 0x20;

	return (letter >= 'a' && letter <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' ||
	       byte == '.' || byte == '_' || byte == '~';
}

/* One character, encoded or not; *at is then behind it. */
static int copy(struct output *output, const char **at, const char *end)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *c = *at;
	int high, low, byte;

	if (*c != '%') {
		output->buffer[output->used++] = *c;
		*at = c + 1;
		return 0;
	}
	high = end - c > 2 ? digit(c[1]) : -1;
	low = high >= 0 ? digit(c[2]) : -1;
	if (low < 0)
		return -URI_ERROR_bad_percent;
	byte = high << 4 | low;
	if (!byte)
		return -URI_ERROR_nul;
	*at = c + 3;
	if (is_unreserved((unsigned)byte)) {
		output->buffer[output->used++] = (char)byte;
		return 0;
	}
	output->buffer[output->used++] = '%';
	output->buffer[output->used++] = digits[high];
	output->buffer[output->used++] = digits[low];
	return 0;
}

static bool is_encoded(const char *at, const char *end, const char *digits)
{
	return end - at > 2 && *at == '%' && at[1] == digits[0] && at[2] == digits[1];
}

/* How many dots stand there alone, up to where a server may see an end: 1, 2, or 0 for anything
 * else. *ret_stop is where. */
static unsigned lone_dots(const char *at, const char *end, const char **ret_stop)
{
	unsigned dots = 0;

	while (at < end && *at == '.' && dots < 3) {
		dots++;
		at++;
	}
	*ret_stop = at;
	if (dots == 3 || (at < end && *at != ';' && !is_encoded(at, end, "3B") &&
			  !is_encoded(at, end, "2F") && !is_encoded(at, end, "5C")))
		return 0;
	return dots;
}

/* A segment that is no dot segment, but would be one, or have one, for a server that decodes
 * slashes and backslashes, or takes parameters away. */
static bool hides_dots(const char *at, const char *end)
{
	const char *stop;

	for (;;) {
		if (lone_dots(at, end, &stop))
			return true;
		while (at < end && !is_encoded(at, end, "2F") && !is_encoded(at, end, "5C"))
			at++;
		if (at == end)
			return false;
		at += 3;
	}
}

/* Takes the segment behind start away, and for ".." the one before it; what is left ends with a
 * slash if it is the last one. */
static int remove_dots(struct output *output, size_t start, unsigned dots, bool is_last)
{
	size_t end = start - 1; /* of what is before the segment and its slash */

	if (dots == 2) {
		if (!end)
			return -URI_ERROR_above_root;
		if (output->buffer[end - 1] == '/')
			return -URI_ERROR_hidden_dots;
		while (output->buffer[end - 1] != '/')
			end--;
		end--;
	}
	output->used = end + is_last;
	return 0;
}

static int normalise(struct output *output, const char *at, const char *end)
{
	while (at < end) {
		size_t start = output->used + 1;
		const char *segment, *behind, *stop;
		unsigned dots;
		int error = 0;

		do
			error = copy(output, &at, end);
		while (!error && at < end && *at != '/');
		if (error)
			return error;
		segment = output->buffer + start;
		behind = output->buffer + output->used;
		dots = lone_dots(segment, behind, &stop);
		if (dots && stop == behind)
			error = remove_dots(output, start, dots, at == end);
		else if (hides_dots(segment, behind))
			error = -URI_ERROR_hidden_dots;
		if (error)
			return error;
	}
	return 0;
}

/* Most paths are what they should be: neither % nor a segment that begins with a dot. */
static bool is_plain(struct h1_text path)
{
	for (size_t i = 0; i < path.length; i++)
		if (path.at[i] == '%' || (path.at[i] == '.' && path.at[i - 1] == '/'))
			return false;
	return true;
}

int uri_path(struct h1_text path, char *buffer, size_t size, struct h1_text *ret_path)
{
	const char *end = path.at + path.length;
	struct output output = {buffer, 0};
	int error;

	*ret_path = path;
	if (path.length == 1 && *path.at == '*')
		return 0;
	if (!path.length || *path.at != '/' || h1_skip(path.at, end, H1_CLASS_PATH) != end)
		return -URI_ERROR_bad_path;
	if (is_plain(path))
		return 0;
	if (size < path.length)
		return -ENOBUFS;
	error = normalise(&output, path.at, end);
	if (!error)
		*ret_path = (struct h1_text){buffer, output.used};
	return error;
}
