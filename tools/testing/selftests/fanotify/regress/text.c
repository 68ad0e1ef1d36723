// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "regress.h"

void *bad_address = (void *)1;

noreturn void fail(const char *what)
{
	fprintf(stderr, "regress: %s: %s\n", what, strerror(errno));
	exit(1);
}

void tell(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (vprintf(format, args) < 0)
		fail("stdout");
	va_end(args);
}

void tell_result(long ret)
{
	const char *name = ret < 0 ? strerrorname_np(-ret) : NULL;

	if (name)
		tell("%s", name);
	else
		tell("%ld", ret);
}

long result(long ret)
{
	return ret < 0 ? -errno : ret;
}

void tell_bits(const struct bit *bits, uint64_t mask)
{
	const char *before = "";

	for (; bits->name; bits++) {
		if (!(mask & bits->bit))
			continue;
		tell("%s%s", before, bits->name);
		before = "|";
		mask &= ~bits->bit;
	}
	if (mask || !*before)
		tell("%s%#llx", before, (unsigned long long)mask);
}
