// One field line in one go, for the lines that have nothing odd about them.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "field_names.h"
#include "scans.h"

#pragma clang assume_nonnull begin

// A field line: where its parts are in the buffer.
typedef struct {
    uint32_t name_start;
    uint32_t name_count;
    uint32_t value_start;  // past the blanks behind the colon
    uint32_t value_count;  // without the blanks at the end
    uint32_t line_end;     // past the CRLF
    uint8_t name;          // a CBYTES_FIELD_… number
    uint8_t is_hop_by_hop;
} cbytes_field;

static inline int cbytes_is_blank(uint8_t byte) { return byte == ' ' || byte == '\t'; }

// What a line is.
enum {
    CBYTES_LINE_ODD,    // no complete and correct field line; the blank line among them
    CBYTES_LINE_USUAL,  // `name: value` with one space and nothing else around the value
    CBYTES_LINE_PLAIN,  // correct, with more, less or other white space
};

// Reads the line at `from`. What is the matter with an odd one is for the caller to find out.
static inline int cbytes_read_field(
    const uint8_t *bytes, size_t from, size_t to, cbytes_field *field
) {
    int kind = CBYTES_LINE_USUAL;
    size_t name_end = cbytes_find_name_end(bytes, from, to);
    if (name_end >= to || name_end == from || bytes[name_end] != ':') return CBYTES_LINE_ODD;
    uint8_t name = cbytes_classify_field(bytes + from, name_end - from);
    if (name == CBYTES_FIELD_OTHER && cbytes_find_token_end(bytes, from, name_end) != name_end) {
        return CBYTES_LINE_ODD;
    }
    size_t value_start = name_end + 2;
    if (value_start >= to || bytes[name_end + 1] != ' ' || cbytes_is_blank(bytes[value_start])) {
        kind = CBYTES_LINE_PLAIN;
        value_start = name_end + 1;
        while (value_start < to && cbytes_is_blank(bytes[value_start])) value_start += 1;
    }
    size_t line_end = cbytes_find_value_end(bytes, value_start, to);
    if (to - line_end < 2 || bytes[line_end] != '\r' || bytes[line_end + 1] != '\n') {
        return CBYTES_LINE_ODD;
    }
    size_t value_end = line_end;
    if (cbytes_is_blank(bytes[line_end - 1]) && line_end > value_start) {
        kind = CBYTES_LINE_PLAIN;
        while (value_end > value_start && cbytes_is_blank(bytes[value_end - 1])) value_end -= 1;
    }
    field->name_start = (uint32_t)from;
    field->name_count = (uint32_t)(name_end - from);
    field->value_start = (uint32_t)value_start;
    field->value_count = (uint32_t)(value_end - value_start);
    field->line_end = (uint32_t)(line_end + 2);
    field->name = name;
    field->is_hop_by_hop = 0;
    return kind;
}

// Where reading many lines stands.
typedef struct {
    size_t position;  // where the next line begins
    size_t count;     // lines in the table
    uint64_t names;   // a bit for each name that occurs
    // A bit for each of the first 64 lines that cannot simply be copied on: those that concern
    // one connection only, and those whose value stands in unusual white space.
    uint64_t odd;
    // A bit for each line whose name is one of those wanted; the highest one for all from the 64th
    // line on.
    uint64_t wanted;
} cbytes_field_run;

// Why reading many lines ended.
enum {
    CBYTES_RUN_ODD,   // at a line that is no plain field line
    CBYTES_RUN_FULL,  // at a plain line for which there is no room
};

// Reads plain lines into `table` until there is a reason to end. The table has room for one more
// than `capacity`. `hop_by_hop` and `wanted` have a bit for each name.
int cbytes_read_fields(
    const uint8_t *bytes, size_t to, cbytes_field *table, size_t capacity,
    uint64_t hop_by_hop, uint64_t wanted, cbytes_field_run *run
);

#pragma clang assume_nonnull end
