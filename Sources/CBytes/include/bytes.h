// Byte scanning and character tables for the parsers, and what picks need of memory: no state.
#pragma once

#include "byte_classes.h"
#include "byte_blocks.h"
#include "field_line.h"
#include "field_names.h"
#include "head_fields.h"
#include "hex.h"
#include "load_groups.h"
#include "prefetch.h"
#include "scans.h"
#include "zeroed.h"
