#include "ceviction.h"
