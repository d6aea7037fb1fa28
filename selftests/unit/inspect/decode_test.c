// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The decoder against types that are built here, without a kernel; and what numbers mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <bpf/btf.h>
#include <cmocka.h>
#include <linux/btf.h>
#include <stdlib.h>
#include <string.h>

#include "../../../userspace/inspect/decode.h"
#include "../../../userspace/inspect/meaning.h"

/* Types that the tests put together. */
struct types {
	struct btf *btf;
	int u8, u16, u32, u64, s32, s64, boolean, letter, index;
};

static int setup(void **state)
{
	struct types *types = calloc(1, sizeof(*types));
	struct btf *btf = btf__new_empty();

	assert_non_null(types);
	assert_non_null(btf);
	types->btf = btf;
	types->u8 = btf__add_int(btf, "unsigned char", 1, 0);
	types->u16 = btf__add_int(btf, "unsigned short", 2, 0);
	types->u32 = btf__add_int(btf, "unsigned int", 4, 0);
	types->u64 = btf__add_int(btf, "unsigned long", 8, 0);
	types->s32 = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	types->s64 = btf__add_int(btf, "long", 8, BTF_INT_SIGNED);
	types->boolean = btf__add_int(btf, "_Bool", 1, BTF_INT_BOOL);
	types->letter = btf__add_int(btf, "char", 1, BTF_INT_SIGNED);
	types->index = types->u32;
	*state = types;
	return 0;
}

static int teardown(void **state)
{
	struct types *types = *state;

	btf__free(types->btf);
	free(types);
	return 0;
}

static void expect_read(const struct types *types, int type, const void *bytes, size_t size,
			const struct decode_reader *reader, const char *expected)
{
	json_t *value;
	char *text;

	assert_true(type > 0);
	value = decode(types->btf, (uint32_t)type, bytes, size, reader);
	text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
	json_decref(value);
}

static void expect(const struct types *types, int type, const void *bytes, size_t size,
		   const char *expected)
{
	expect_read(types, type, bytes, size, NULL, expected);
}

static void test_integers(void **state)
{
	const struct types *types = *state;
	const int32_t minus = -5;
	const int64_t least = INT64_MIN;
	const uint64_t most = UINT64_MAX, fits = INT64_MAX;
	const uint8_t one = 1;

	expect(types, types->s32, &minus, 4, "-5");
	expect(types, types->u32, &minus, 4, "4294967291");
	expect(types, types->s64, &least, 8, "-9223372036854775808");
	expect(types, types->u64, &fits, 8, "9223372036854775807");
	expect(types, types->u64, &most, 8, "\"0xffffffffffffffff\"");
	expect(types, types->boolean, &one, 1, "true");
	expect(types, types->letter, "\xfe", 1, "-2");
}

static void test_texts(void **state)
{
	const struct types *types = *state;
	int text = btf__add_array(types->btf, types->index, types->letter, 4);
	int bytes = btf__add_array(types->btf, types->index, types->u8, 3);

	expect(types, text, "ab\0\0", 4, "\"ab\"");
	expect(types, text, "abcd", 4, "\"abcd\"");
	expect(types, text, "\0\0\0\0", 4, "\"\"");
	/* rest behind the end, and what is no text */
	expect(types, text, "a\0b\0", 4, "[97,0,98,0]");
	expect(types, text, "\xff\1\0\0", 4, "[-1,1,0,0]");
	expect(types, bytes, "abc", 3, "[97,98,99]");
}

static void test_enums(void **state)
{
	const struct types *types = *state;
	int colour = btf__add_enum(types->btf, "colour", 4), wide;
	const uint32_t red = 0, blue = 7, none = 9;
	const uint64_t large = 1ULL << 40;

	assert_int_equal(btf__add_enum_value(types->btf, "RED", 0), 0);
	assert_int_equal(btf__add_enum_value(types->btf, "BLUE", 7), 0);
	expect(types, colour, &red, 4, "\"RED\"");
	expect(types, colour, &blue, 4, "\"BLUE\"");
	expect(types, colour, &none, 4, "9");
	wide = btf__add_enum64(types->btf, "wide", 8, false);
	assert_int_equal(btf__add_enum64_value(types->btf, "LARGE", large), 0);
	expect(types, wide, &large, 8, "\"LARGE\"");
}

static void test_structs(void **state)
{
	const struct types *types = *state;
	struct {
		uint32_t a;
		union {
			uint32_t number;
			uint8_t byte[4];
		};
		struct {
			uint16_t x, y;
		} inner[2];
	} value = {.a = 1, .number = 0x01020304, .inner = {{1, 2}, {3, 4}}};
	int bytes = btf__add_array(types->btf, types->index, types->u8, 4), alias, either, inner,
	    list;
	int outer;

	alias = btf__add_typedef(types->btf, "word", btf__add_const(types->btf, types->u32));
	either = btf__add_union(types->btf, NULL, 4);
	btf__add_field(types->btf, "number", types->u32, 0, 0);
	btf__add_field(types->btf, "byte", bytes, 0, 0);
	inner = btf__add_struct(types->btf, "point", 4);
	btf__add_field(types->btf, "x", types->u16, 0, 0);
	btf__add_field(types->btf, "y", types->u16, 16, 0);
	list = btf__add_array(types->btf, types->index, inner, 2);
	outer = btf__add_struct(types->btf, "outer", sizeof(value));
	btf__add_field(types->btf, "a", alias, 0, 0);
	btf__add_field(types->btf, NULL, either, 32, 0);
	btf__add_field(types->btf, "inner", list, 64, 0);
	expect(types, outer, &value, sizeof(value),
	       "{\"a\":1,\"number\":16909060,\"byte\":[4,3,2,1],"
	       "\"inner\":[{\"x\":1,\"y\":2},{\"x\":3,\"y\":4}]}");
	/* what is not there is not read */
	expect(types, outer, &value, 0, "{\"a\":null,\"inner\":null}");
}

static void test_bit_fields(void **state)
{
	const struct types *types = *state;
	struct {
		uint32_t low : 3, middle : 10, high : 19;
		int32_t sign : 4, rest : 28;
	} value = {.low = 5, .middle = 1000, .high = 0x7ffff, .sign = -3, .rest = 77};
	int structure = btf__add_struct(types->btf, "bits", 8);

	btf__add_field(types->btf, "low", types->u32, 0, 3);
	btf__add_field(types->btf, "middle", types->u32, 3, 10);
	btf__add_field(types->btf, "high", types->u32, 13, 19);
	btf__add_field(types->btf, "sign", types->s32, 32, 4);
	btf__add_field(types->btf, "rest", types->s32, 36, 28);
	expect(types, structure, &value, sizeof(value),
	       "{\"low\":5,\"middle\":1000,\"high\":524287,\"sign\":-3,\"rest\":77}");
	/* half of it: the fields that are cut are nothing */
	expect(types, structure, &value, 4,
	       "{\"low\":5,\"middle\":1000,\"high\":524287,\"sign\":null,\"rest\":null}");
}

static void test_other_kinds(void **state)
{
	const struct types *types = *state;
	int pointer = btf__add_ptr(types->btf, types->u8),
	    real = btf__add_float(types->btf, "double", 8);
	int variable = btf__add_var(types->btf, "knob", BTF_VAR_GLOBAL_ALLOCATED, types->u32);
	int section = btf__add_datasec(types->btf, ".rodata", 8), nested;
	const uint64_t address = 0x1234;
	const double half = 0.5;
	const uint32_t knobs[2] = {3, 9};

	btf__add_datasec_var_info(types->btf, variable, 4, 4);
	nested = btf__add_array(types->btf, types->index,
				btf__add_array(types->btf, types->index, types->u8, 2), 2);
	expect(types, pointer, &address, 8, "4660");
	expect(types, real, &half, 8, "0.5");
	expect(types, section, knobs, 8, "{\"knob\":9}");
	expect(types, nested, "\1\2\3\4", 4, "[[1,2],[3,4]]");
}

/* BTF that contradicts itself: an answer, and no end of the stack. */
static void test_nonsense(void **state)
{
	const struct types *types = *state;
	int alias = btf__add_typedef(types->btf, "loop", btf__type_cnt(types->btf));
	int structure = btf__add_struct(types->btf, "short", 1);

	btf__add_field(types->btf, "beyond", types->u64, 0, 0);
	expect(types, alias, "", 1, "null");
	expect(types, structure, "\1", 1, "{\"beyond\":null}");
	expect(types, 100000, "\1", 1, "null");
}

static void test_hex(void **state)
{
	json_t *value = decode_hex("\0\xab\x7f", 3), *none = decode_hex("", 0);

	(void)state;
	assert_string_equal(json_string_value(value), "00 ab 7f");
	assert_string_equal(json_string_value(none), "");
	json_decref(value);
	json_decref(none);
}

/* meaning.def, without names of a dataplane: what is known of the types alone */

static int add_address(const struct types *types)
{
	int word = btf__add_typedef(types->btf, "__be32", types->u32);
	int words = btf__add_array(types->btf, types->index, word, 4);
	int address = btf__add_struct(types->btf, "mtlb_address", 16);

	btf__add_field(types->btf, "word", words, 0, 0);
	return address;
}

static void test_meaning_of_keys(void **state)
{
	const struct types *types = *state;
	const struct decode_reader reader = meaning_reader(NULL);
	struct mtlb_vip_key key = {.address.word = {0, 0, htonl(0xffff), htonl(0xc000020a)},
				   .port = htons(443),
				   .protocol = 6};
	int address = add_address(types), port, structure;

	port = btf__add_typedef(types->btf, "__be16", types->u16);
	structure = btf__add_struct(types->btf, "mtlb_vip_key", sizeof(key));
	btf__add_field(types->btf, "address", address, 0, 0);
	btf__add_field(types->btf, "port", port, 128, 0);
	btf__add_field(types->btf, "protocol", types->u8, 144, 0);
	btf__add_field(types->btf, "zero", types->u8, 152, 0);
	expect_read(types, structure, &key, sizeof(key), &reader,
		    "{\"address\":\"192.0.2.10\",\"port\":443,\"protocol\":\"TCP\"}");
	key.zero = 1; /* which it never should be: told */
	expect_read(types, structure, &key, sizeof(key), &reader,
		    "{\"address\":\"192.0.2.10\",\"port\":443,\"protocol\":\"TCP\",\"zero\":1}");
}

static void test_meaning_of_fields(void **state)
{
	const struct types *types = *state;
	const struct decode_reader reader = meaning_reader(NULL);
	uint64_t secret[2] = {1, 2}, counts[8] = {[MTLB_COUNTER_flows_stored] = 5};
	const uint8_t mac[6] = {2, 0, 0, 0, 0, 0xa};
	uint32_t reason = MTLB_REASON_no_member,
		 flags = MTLB_VIP_ECHO | MTLB_VIP_ADDRESS | 1400U << 16;
	int pair = btf__add_array(types->btf, types->index, types->u64, 2), node, counter, row,
	    member;
	int bytes, rule, vip;

	node = btf__add_struct(types->btf, "mtlb_node", 16);
	btf__add_field(types->btf, "secret", pair, 0, 0);
	expect_read(types, node, secret, 16, &reader, "{\"secret\":\"(not shown)\"}");
	row = btf__add_array(types->btf, types->index, types->u64, 8);
	counter = btf__add_struct(types->btf, "mtlb_tenant_counter", 64);
	btf__add_field(types->btf, "value", row, 0, 0);
	expect_read(types, counter, counts, sizeof(counts), &reader,
		    "{\"value\":{\"flows_stored\":5,\"flows_evicted\":0,\"flows_unstored\":0,"
		    "\"local_syns\":0,\"cookies_accepted\":0}}");
	bytes = btf__add_array(types->btf, types->index, types->u8, 6);
	member = btf__add_struct(types->btf, "mtlb_member", 6);
	btf__add_field(types->btf, "next_hop", bytes, 0, 0);
	expect_read(types, member, mac, 6, &reader, "{\"next_hop\":\"02:00:00:00:00:0a\"}");
	rule = btf__add_struct(types->btf, "mtlb_lease", 4);
	btf__add_field(types->btf, "reason", types->u32, 0, 0);
	expect_read(types, rule, &reason, 4, &reader, "{\"reason\":\"no_member\"}");
	vip = btf__add_struct(types->btf, "mtlb_vip", 4);
	btf__add_field(types->btf, "flags", types->u32, 0, 0);
	expect_read(types, vip, &flags, 4, &reader,
		    "{\"flags\":[\"address\",\"echo\",\"mss 1400\"]}");
}

static void test_meaning_of_flows(void **state)
{
	const struct types *types = *state;
	const struct decode_reader reader = meaning_reader(NULL);
	uint64_t words[2] = {0, mtlb_flow_word(1, 77, 5, MTLB_FLOW_CLOSING)};
	uint32_t slots[2] = {0, 9 | MTLB_SLOT_CHANGED};
	int list = btf__add_array(types->btf, types->index, types->u64, 2), bucket, line;

	bucket = btf__add_struct(types->btf, "mtlb_flow_bucket", 16);
	btf__add_field(types->btf, "word", list, 0, 0);
	expect_read(types, bucket, words, 16, &reader,
		    "{\"word\":[null,{\"member\":77,\"state\":\"closing\"}]}");
	list = btf__add_array(types->btf, types->index, types->u32, 2);
	line = btf__add_struct(types->btf, "mtlb_slot_line", 8);
	btf__add_field(types->btf, "slot", list, 0, 0);
	expect_read(types, line, slots, 8, &reader,
		    "{\"slot\":[null,{\"member\":9,\"changed\":true}]}");
}

/* Each type holds the one before it eight times, at the same place: 8^12 numbers of four bytes. */
static void test_types_without_end(void **state)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
	struct types *types = *state;
	uint8_t bytes[4] = {1};
	int inner = types->u32, outer;
	json_t *value;
	const json_t *at;

	for (int depth = 0; depth < 12; depth++) {
		outer = btf__add_union(types->btf, "made_up", sizeof(bytes));
		assert_true(outer > 0);
		for (int i = 0; i < 8; i++)
			assert_int_equal(btf__add_field(types->btf, names[i], inner, 0, 0), 0);
		inner = outer;
	}
	value = decode(types->btf, (uint32_t)inner, bytes, sizeof(bytes), NULL);
	at = value; /* what came first is there, all the way down */
	for (int depth = 0; depth < 12; depth++)
		at = json_object_get(at, "a");
	assert_int_equal(json_integer_value(at), 1);
	json_decref(value);
	/* so is a list of what needs no bytes, as far as it goes */
	outer = btf__add_struct(types->btf, "nothing", 0);
	outer = btf__add_array(types->btf, types->u32, outer, 0x7fffffff);
	value = decode(types->btf, (uint32_t)outer, bytes, sizeof(bytes), NULL);
	assert_in_range(json_array_size(value), 1, 1 << 18);
	json_decref(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_integers),
		TEST(test_texts),
		TEST(test_enums),
		TEST(test_structs),
		TEST(test_bit_fields),
		TEST(test_other_kinds),
		TEST(test_nonsense),
		TEST(test_types_without_end),
		TEST(test_hex),
		TEST(test_meaning_of_keys),
		TEST(test_meaning_of_fields),
		TEST(test_meaning_of_flows),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
