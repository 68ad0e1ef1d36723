// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY fuzz: values that are valid, nearly valid, and neither
 */
#include "fuzz.h"

/* One that is not there, or only in part, or cannot be written to. */
void *bad_pointer(struct task *t, size_t len)
{
	char *end = t->arena + ARENA;

	switch (below(t, 8)) {
	case 0:
		return NULL;
	case 1:
		return (void *)16;
	case 2:
		return end;
	case 3:
		return (void *)0xffff888000001000;
	case 4:
		return (void *)0x8000000000000000;
	case 5:
		return t->readonly;
	default:
		/* It has a beginning. */
		return end - (len > 1 ? 1 + below(t, len - 1) : 0);
	}
}

/* Mostly it ends where the memory ends, so that no more can be read of it. */
static void *good_pointer(struct task *t, size_t len)
{
	return t->arena + ARENA - len - (once_in(t, 4) ? below(t, PAGE) : 0);
}

void *in(struct task *t, const void *value, size_t len)
{
	void *p;

	if (once_in(t, 24))
		return bad_pointer(t, len);
	p = good_pointer(t, len);
	memcpy(p, value, len);
	return p;
}

void *out(struct task *t, size_t len)
{
	return once_in(t, 24) ? bad_pointer(t, len) : good_pointer(t, len);
}

/* Is it memory of ours, all of it? */
bool is_good(const struct task *t, const void *p, size_t len)
{
	return (const char *)p >= t->arena && len <= ARENA &&
	       (const char *)p + len <= t->arena + ARENA;
}

size_t near_len(struct task *t, size_t len)
{
	if (!once_in(t, 12))
		return len;
	switch (below(t, 8)) {
	case 0:
		return 0;
	case 1:
		return len - 1;
	case 2:
		return len + 1;
	case 3:
		return len * 2;
	case 4:
		return INT_MAX;
	case 5:
		return UINT_MAX;
	case 6:
		return 1 << 20;
	default:
		return below(t, 300);
	}
}

__u32 near_number(struct task *t, __u32 valid)
{
	static const __u32 wild[] = { 0, 1, 2, INT_MAX, 1U << 31, UINT_MAX };

	if (!once_in(t, 8))
		return valid;
	switch (below(t, 4)) {
	case 0:
		return valid + 1;
	case 1:
		return valid ^ 1U << below(t, 32);
	case 2:
		return one_of(t, wild);
	default:
		return below(t, UINT_MAX);
	}
}

/* Now and then one thing about it is wrong, or everything. */
void spoil(struct task *t, void *value, size_t len)
{
	unsigned char *bytes = value;
	size_t i;

	if (!once_in(t, 8))
		return;
	if (!once_in(t, 6)) {
		i = below(t, len);
		bytes[i] ^= once_in(t, 2) ? 1 << below(t, 8) : below(t, 256);
		return;
	}
	for (i = 0; i < len; i++)
		bytes[i] = below(t, 256);
}

__u32 random_events(struct task *t)
{
	__u32 mask = below(t, 1 << 16) & ALL_EVENTS;

	return mask ?: FAN_OPEN;
}

__u32 random_questions(struct task *t)
{
	__u32 mask = below(t, 1 << 20) & ALL_PERM;

	return mask ?: FAN_OPEN_PERM;
}
