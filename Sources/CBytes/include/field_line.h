// One field line in one go, for the lines that have nothing odd about them.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "field_names.h"
#include "scans.h"

#pragma clang assume_nonnull begin

// Where the parts of a field line are. Means something only if `is_plain` is not 0.
typedef struct {
    uint32_t name_end;     // at the colon
    uint32_t value_start;  // past the blanks behind the colon
    uint32_t value_end;    // before the blanks at the end
    uint32_t line_end;     // past the CRLF
    uint8_t name;          // a CBYTES_FIELD_… number
    uint8_t is_plain;
} cbytes_field_line;

static inline int cbytes_is_blank(uint8_t byte) { return byte == ' ' || byte == '\t'; }

// Reads the line at `from`. Whatever is not a complete and correct field line, the blank line
// among them, is not plain: it is for the caller to find out what is the matter.
static inline cbytes_field_line cbytes_read_field_line(
    const uint8_t *bytes, size_t from, size_t to
) {
    cbytes_field_line line = {0};
    size_t name_end = cbytes_find_name_end(bytes, from, to);
    if (name_end >= to || name_end == from || bytes[name_end] != ':') return line;
    uint8_t name = cbytes_classify_field(bytes + from, name_end - from);
    if (name == CBYTES_FIELD_OTHER && cbytes_find_token_end(bytes, from, name_end) != name_end) {
        return line;
    }
    size_t value_start = name_end + 1;
    while (value_start < to && cbytes_is_blank(bytes[value_start])) value_start += 1;
    size_t line_end = cbytes_find_value_end(bytes, value_start, to);
    if (to - line_end < 2 || bytes[line_end] != '\r' || bytes[line_end + 1] != '\n') return line;
    size_t value_end = line_end;
    while (value_end > value_start && cbytes_is_blank(bytes[value_end - 1])) value_end -= 1;
    line.name_end = (uint32_t)name_end;
    line.value_start = (uint32_t)value_start;
    line.value_end = (uint32_t)value_end;
    line.line_end = (uint32_t)(line_end + 2);
    line.name = name;
    line.is_plain = 1;
    return line;
}

#pragma clang assume_nonnull end
