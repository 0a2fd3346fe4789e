#include "weir_linux.h"
