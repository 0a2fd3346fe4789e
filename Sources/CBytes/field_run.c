#include "field_line.h"

#pragma clang assume_nonnull begin

#if defined(CBYTES_HAS_BLOCKS)
// More bytes than the longest known name, what follows it, and a block of its value take.
enum { LINE_ROOM = 64 };

// As usual_value_end, from at most 16 bytes behind `last` on. Of its own, lest the loop that needs
// it once a head counts for it in each step.
static __attribute__((noinline)) const uint8_t *_Nullable last_value_end(
    const uint8_t *value, const uint8_t *last
) {
    if (value - last >= 16) return NULL;
    cbytes_mask suspects = cbytes_value_suspects(cbytes_load_block(last));
    suspects = cbytes_drop_from_mask(suspects, (size_t)(value - last));
    return suspects == 0 ? NULL : value + cbytes_first_in_mask(suspects);
}

// Where the value at `value` may end; NULL if nowhere before the end of the block at `last`. A
// block begins at `value`, too.
static inline const uint8_t *_Nullable usual_value_end(const uint8_t *value, const uint8_t *last) {
    cbytes_mask suspects;
    while ((suspects = cbytes_value_suspects(cbytes_load_block(value))) == 0) {
        value += 16;
        if (value > last) return last_value_end(value, last);
    }
    return value + cbytes_first_in_mask(suspects);
}

// Reads the line at `line` if it is a usual one, and returns the end of its value; NULL where it
// is for cbytes_read_field to find out. Behind `line` are LINE_ROOM bytes or more, behind the block
// at `last` one more.
static inline const uint8_t *_Nullable read_usual_field(
    const uint8_t *bytes, const uint8_t *line, const uint8_t *last, cbytes_field *field
) {
    cbytes_block block = cbytes_load_block(line);
    cbytes_mask colons = cbytes_colons(block);
    size_t count;
    uint8_t name;
    if (colons != 0) {
        count = cbytes_first_in_mask(colons);
        name = cbytes_classify_in_block(block, line, count);
    } else {
        colons = cbytes_colons(cbytes_load_block(line + 16));
        if (colons == 0) return NULL;
        count = 16 + cbytes_first_in_mask(colons);
        name = cbytes_classify_field(line, count);
    }
    // A known name is a token.
    if (name == CBYTES_FIELD_OTHER
        && (count == 0 || cbytes_find_token_end(line, 0, count) != count)) return NULL;
    const uint8_t *value = line + count + 2;
    // Below the space are tabs, line ends and what no value may hold.
    if (value[-1] != ' ' || value[0] <= ' ') return NULL;
    const uint8_t *end = usual_value_end(value, last);
    if (end == NULL || memcmp(end, "\r\n", 2) != 0 || end[-1] <= ' ') return NULL;
    uint32_t start = (uint32_t)(line - bytes);
    field->name_start = start;
    field->name_count = (uint32_t)count;
    field->value_start = start + (uint32_t)count + 2;
    field->value_count = (uint32_t)(end - value);
    field->line_end = (uint32_t)(end - bytes) + 2;
    field->name = name;
    field->is_hop_by_hop = 0;
    return end;
}
#endif

// Notes what is special about line number `count`: that it cannot simply be copied on, or that its
// name is a wanted one.
static inline void note_special(
    cbytes_field *field, size_t count, int kind, uint64_t hop_by_hop, uint64_t wanted,
    cbytes_field_run *run
) {
    uint64_t bit = 1ull << field->name;
    int is_hop_by_hop = (bit & hop_by_hop) != 0;
    field->is_hop_by_hop = (uint8_t)is_hop_by_hop;
    int is_odd = kind != CBYTES_LINE_USUAL || is_hop_by_hop;
    if (count < 64) run->odd |= (uint64_t)is_odd << count;
    if (bit & wanted) run->wanted |= 1ull << (count < 63 ? count : 63);
}

// Without __builtin_expect: where a branch said to be unlikely is one that every call takes in the
// end, the compiler makes the whole function small instead of fast.
int cbytes_read_fields(
    const uint8_t *bytes, size_t to, cbytes_field *table, size_t capacity,
    uint64_t hop_by_hop, uint64_t wanted, cbytes_field_run *run
) {
    const uint8_t *line = bytes + run->position;
    cbytes_field *field = table + run->count, *full = table + capacity;
    uint64_t names = run->names, special = hop_by_hop | wanted;
    int reason = CBYTES_RUN_ODD;
#if defined(CBYTES_HAS_BLOCKS)
    const uint8_t *roomy_end = bytes, *last = bytes;
    if (to >= LINE_ROOM) {
        roomy_end = bytes + to - LINE_ROOM + 1;
        last = bytes + to - 17;
    }
#endif
    for (;;) {
        int kind = CBYTES_LINE_USUAL;
        const uint8_t *end = NULL;
#if defined(CBYTES_HAS_BLOCKS)
        if (line < roomy_end) end = read_usual_field(bytes, line, last, field);
#endif
        if (end == NULL) {
            kind = cbytes_read_field(bytes, (size_t)(line - bytes), to, field);
            if (kind == CBYTES_LINE_ODD) break;
            end = bytes + field->line_end - 2;
        }
        if (field >= full) {
            reason = CBYTES_RUN_FULL;
            break;
        }
        line = end + 2;
        names |= 1ull << field->name;
        if (kind != CBYTES_LINE_USUAL || (special >> field->name & 1) != 0) {
            note_special(field, (size_t)(field - table), kind, hop_by_hop, wanted, run);
        }
        field += 1;
    }
    run->position = (size_t)(line - bytes);
    run->count = (size_t)(field - table);
    run->names = names;
    return reason;
}

#pragma clang assume_nonnull end
