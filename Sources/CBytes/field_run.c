#include "field_line.h"

#pragma clang assume_nonnull begin

#if defined(CBYTES_HAS_BLOCKS)
// More bytes than the longest known name, what follows it, and a block of its value take.
enum { LINE_ROOM = 64 };

// Reads the line at `from` if it is a usual one, with LINE_ROOM bytes or more before `to`; 0
// where that is for cbytes_read_field to find out.
static inline int read_usual_field(
    const uint8_t *bytes, size_t from, size_t to, cbytes_field *field
) {
    const uint8_t *line = bytes + from;
    cbytes_block block = cbytes_load_block(line);
    cbytes_mask colons = cbytes_colons(block);
    size_t count;
    uint8_t name;
    if (__builtin_expect(colons != 0, 1)) {
        count = cbytes_first_in_mask(colons);
        name = cbytes_classify_in_block(block, line, count);
    } else {
        colons = cbytes_colons(cbytes_load_block(line + 16));
        if (colons == 0) return 0;
        count = 16 + cbytes_first_in_mask(colons);
        name = cbytes_classify_field(line, count);
    }
    // A known name is a token.
    if (name == CBYTES_FIELD_OTHER
        && (count == 0 || cbytes_find_token_end(line, 0, count) != count)) return 0;
    const uint8_t *value = line + count + 2;
    // Below the space are tabs, line ends and what no value may hold.
    if (value[-1] != ' ' || value[0] <= ' ') return 0;
    const uint8_t *end = value, *last = bytes + to - 16;
    cbytes_mask suspects;
    while ((suspects = cbytes_value_suspects(cbytes_load_block(end))) == 0) {
        end += 16;
        if (end <= last) continue;
        if (end - last >= 16) return 0;
        suspects = cbytes_value_suspects(cbytes_load_block(last));
        suspects = cbytes_drop_from_mask(suspects, (size_t)(end - last));
        if (suspects == 0) return 0;
        break;
    }
    end += cbytes_first_in_mask(suspects);
    if (end > last + 14 || memcmp(end, "\r\n", 2) != 0 || end[-1] <= ' ') return 0;
    field->name_start = (uint32_t)from;
    field->name_count = (uint32_t)count;
    field->value_start = (uint32_t)(value - bytes);
    field->value_count = (uint32_t)(end - value);
    field->line_end = (uint32_t)(end - bytes + 2);
    field->name = name;
    field->is_hop_by_hop = 0;
    return 1;
}
#endif

// Reads the line at `from`, by the short way if it may be a usual one.
static inline int read_field(
    const uint8_t *bytes, size_t from, size_t to, cbytes_field *field
) {
#if defined(CBYTES_HAS_BLOCKS)
    if (__builtin_expect(to - from >= LINE_ROOM, 1)
        && __builtin_expect(read_usual_field(bytes, from, to, field), 1)) {
        return CBYTES_LINE_USUAL;
    }
#endif
    return cbytes_read_field(bytes, from, to, field);
}

int cbytes_read_fields(
    const uint8_t *bytes, size_t to, cbytes_field *table, size_t capacity,
    uint64_t hop_by_hop, uint64_t wanted, cbytes_field_run *run
) {
    size_t position = run->position, count = run->count;
    uint64_t names = run->names;
    cbytes_field *field = table + count;
    int kind, reason = CBYTES_RUN_ODD;
    while ((kind = read_field(bytes, position, to, field)) != CBYTES_LINE_ODD) {
        if (__builtin_expect(count >= capacity, 0)) {
            reason = CBYTES_RUN_FULL;
            break;
        }
        uint64_t bit = 1ull << field->name;
        names |= bit;
        position = field->line_end;
        if (__builtin_expect(kind != CBYTES_LINE_USUAL || (bit & (hop_by_hop | wanted)) != 0, 0)) {
            int is_odd = kind != CBYTES_LINE_USUAL || (bit & hop_by_hop) != 0;
            field->is_hop_by_hop = (bit & hop_by_hop) != 0;
            if (count < 64) run->odd |= (uint64_t)is_odd << count;
            if (bit & wanted) run->wanted |= 1ull << (count < 63 ? count : 63);
        }
        count += 1;
        field += 1;
    }
    run->position = position;
    run->count = count;
    run->names = names;
    return reason;
}

#pragma clang assume_nonnull end
