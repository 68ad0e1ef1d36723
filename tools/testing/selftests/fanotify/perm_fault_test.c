// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: every allocation and every copy on the way of a question
 * and its answer fails once
 *
 * Whatever fails inside is nobody's fault who is asked about something: it is
 * asked all the same. What fails of the operation itself does so before that,
 * and nothing that was to be denied comes about.
 */
#define _GNU_SOURCE
#include "fault.h"
#include "marks.h"
#include "perm.h"
#include "waiting.h"

#define DIR_PATH TMP "/dir"
#define FILE_PATH DIR_PATH "/file"
#define NEVER_MS 600000

/**
 * struct answerer - a thread that answers all it is asked; it has no faults
 *
 * @sock: The listener.
 * @response: What it answers.
 * @asked: How often it was asked.
 * @failed: What it could not do, or 0.
 * @thread: The thread, which ends with shutdown().
 */
struct answerer {
	int sock;
	__u32 response;
	int asked;
	int failed;
	pthread_t thread;
};

static void *answer_all(void *arg)
{
	struct answerer *a = arg;
	struct fanotify_so_event_metadata ev;
	int ret;

	for (;;) {
		ret = result(recv(a->sock, &ev, sizeof(ev), 0));
		if (!ret)
			return NULL;
		if (ret != sizeof(ev))
			break;
		close_event(&ev);
		/* The one who waits is to see this. */
		a->asked++;
		ret = answer(a->sock, ev.cookie, a->response);
		if (ret)
			break;
	}
	a->failed = ret;
	return NULL;
}

FIXTURE(perm_fault)
{
	struct faults faults;
	struct answerer answerer;
	struct stat st;
	int sock;
};

FIXTURE_SETUP(perm_fault)
{
	int ret = faults_init(&self->faults);

	if (ret == -ENOENT)
		SKIP(return, "the kernel has no fault injection");
	ASSERT_EQ(0, ret);
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, "text"));
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->sock = deaf_listener();
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, NEVER_MS));
}

FIXTURE_TEARDOWN(perm_fault)
{
	close(self->faults.nth);
	close(self->sock);
}

/* From now on the files of the directory are guarded. */
static void start_answerer(struct __test_metadata *_metadata,
			   FIXTURE_DATA(perm_fault) *self, __u32 mask,
			   __u32 response)
{
	struct answerer *a = &self->answerer;

	*a = (struct answerer){ .sock = self->sock, .response = response };
	ASSERT_EQ(0, pthread_create(&a->thread, NULL, answer_all, a));
	ASSERT_EQ(0, mark_path(self->sock, DIR_PATH, mask | FAN_EVENT_ON_CHILD,
			       0));
}

static void stop_answerer(struct __test_metadata *_metadata,
			  FIXTURE_DATA(perm_fault) *self)
{
	EXPECT_EQ(0, result(shutdown(self->sock, SHUT_RDWR)));
	EXPECT_EQ(0, pthread_join(self->answerer.thread, NULL));
	EXPECT_EQ(0, self->answerer.failed);
}

/* What an operation may fail with before anybody is asked */
static bool is_its_own(long ret)
{
	return ret == -ENOMEM || ret == -ENFILE || ret == -EFAULT;
}

/*
 * Does it until nothing fails. Whenever the listener is asked, it gets this
 * answer; else it has failed by itself. How often the latter was so.
 */
static int check_denied(struct __test_metadata *_metadata,
			FIXTURE_DATA(perm_fault) *self,
			long (*call)(const char *path))
{
	struct faults *faults = &self->faults;
	int asked, unasked = 0;
	bool failed;
	long ret;

	do {
		asked = self->answerer.asked;
		faults_on(faults);
		ret = call(FILE_PATH);
		failed = faults_off(faults);
		asked = self->answerer.asked - asked;
		if (asked) {
			ASSERT_EQ(1, asked);
			ASSERT_EQ(-EPERM, ret);
			continue;
		}
		ASSERT_TRUE(failed && is_its_own(ret)) {
			TH_LOG("fault %d: %ld", faults->n - 1, ret);
		}
		unasked++;
	} while (failed && faults->n < MAX_FAULTS);
	ASSERT_FALSE(failed);
	return unasked;
}

TEST_F(perm_fault, open_is_denied)
{
	start_answerer(_metadata, self, FAN_OPEN_PERM, FAN_DENY);
	/* The name and the file. */
	EXPECT_LT(0, check_denied(_metadata, self, do_open));
	stop_answerer(_metadata, self);
}

TEST_F(perm_fault, exec_is_denied)
{
	start_answerer(_metadata, self, FAN_OPEN_EXEC_PERM, FAN_DENY);
	EXPECT_LT(0, check_denied(_metadata, self, do_exec));
	stop_answerer(_metadata, self);
}

/* A read is asked about before anything of it can fail. */
TEST_F(perm_fault, read)
{
	static const __u32 responses[] = { FAN_DENY, FAN_ALLOW };
	struct faults *faults = &self->faults;
	int fd, i, asked, copies = 0;
	bool failed;
	long ret;
	char c;

	start_answerer(_metadata, self, FAN_ACCESS_PERM, FAN_DENY);
	fd = open(FILE_PATH, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	for (i = 0; i < 2; i++) {
		self->answerer.response = responses[i];
		faults->n = 1;
		do {
			asked = self->answerer.asked;
			faults_on(faults);
			ret = result(pread(fd, &c, 1, 0));
			failed = faults_off(faults);
			ASSERT_EQ(asked + 1, self->answerer.asked);
			copies += ret == -EFAULT;
			/* The copy fails after that. */
			if (failed && i && ret == -EFAULT)
				continue;
			ASSERT_EQ(i ? 1 : -EPERM, ret);
		} while (failed && faults->n < MAX_FAULTS);
		ASSERT_FALSE(failed);
	}
	EXPECT_LT(0, copies);
	close(fd);
	stop_answerer(_metadata, self);
}

/*
 * A verdict that cannot be kept, for want of memory for the mark, is a verdict.
 * Each time it is about another file, which has no mark yet.
 */
TEST_F(perm_fault, kept)
{
	struct faults *faults = &self->faults;
	int asked, failures = 0, unkept = 0;
	bool failed, kept;
	char path[64];
	long ret;

	start_answerer(_metadata, self, FAN_OPEN_PERM, FAN_ALLOW | FAN_CACHE);
	/* The first of all is not kept: until then there was no need. */
	ASSERT_EQ(0, do_open(FILE_PATH));
	do {
		/* Nobody was asked about it yet. */
		sprintf(path, DIR_PATH "/file%d", faults->n);
		ASSERT_EQ(0, write_file(TMP "/new", "text"));
		ASSERT_EQ(0, rename(TMP "/new", path));

		asked = self->answerer.asked;
		faults_on(faults);
		ret = do_open(path);
		failed = faults_off(faults);
		if (self->answerer.asked == asked) {
			ASSERT_TRUE(failed && is_its_own(ret)) {
				TH_LOG("fault %d: %ld", faults->n - 1, ret);
			}
			failures++;
			continue;
		}
		ASSERT_EQ(asked + 1, self->answerer.asked);
		ASSERT_EQ(0, ret) {
			TH_LOG("fault %d: %ld", faults->n - 1, ret);
		}

		/* Kept, it is not asked; and if not, it is kept this time. */
		ASSERT_EQ(0, do_open(path));
		kept = self->answerer.asked == asked + 1;
		ASSERT_TRUE(kept || failed);
		unkept += !kept;
		asked = self->answerer.asked;
		ASSERT_EQ(0, do_open(path));
		ASSERT_EQ(asked, self->answerer.asked);
	} while (failed && faults->n < MAX_FAULTS);
	ASSERT_FALSE(failed);
	EXPECT_LT(0, failures);
	/* The mark and its connector */
	EXPECT_LE(2, unkept);
	stop_answerer(_metadata, self);
}

/* A read that fails leaves the event where it is, and the task waiting. */
TEST_F(perm_fault, recv)
{
	struct fanotify_so_event_metadata ev;
	struct faults *faults = &self->faults;
	int fds, ret, failures = 0, no_memory = 0;
	struct doer doer;
	bool failed;

	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN_PERM, 0));
	do {
		struct pollfd pfd = { .fd = self->sock, .events = POLLIN };

		ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
		ASSERT_EQ(1, poll(&pfd, 1, WAIT_MS));
		fds = count_fds();
		faults_on(faults);
		ret = take_event(self->sock, &ev);
		failed = faults_off(faults);
		if (ret != 1) {
			ASSERT_TRUE(failed);
			ASSERT_TRUE(is_its_own(ret)) {
				TH_LOG("fault %d: %d", faults->n - 1, ret);
			}
			failures++;
			no_memory += ret == -ENOMEM;
			ASSERT_EQ(fds, count_fds());
			ASSERT_FALSE(doer_returned(&doer, 0));
			ASSERT_EQ(1, take_event(self->sock, &ev));
		}
		/* What fails in the file system is reported in the event. */
		ASSERT_TRUE(is_file(ev.fd, &self->st) || ev.fd == -ENOMEM);
		ASSERT_EQ(FAN_OPEN_PERM, ev.mask);
		ASSERT_EQ(doer.pid, ev.tgid);
		close_event(&ev);
		ASSERT_EQ(fds, count_fds());
		ASSERT_EQ(0, answer(self->sock, ev.cookie, FAN_DENY));
		ASSERT_EQ(-EPERM, doer_result(&doer));
	} while (failed && faults->n < MAX_FAULTS);
	ASSERT_FALSE(failed);
	/* The file and the copy of the event */
	EXPECT_LT(1, failures);
	EXPECT_LT(0, no_memory);
}

/* An answer that fails is none, and can be given again. */
FIXTURE(answer_fault)
{
	struct faults faults;
	struct stat st;
	int sock;
};

FIXTURE_VARIANT(answer_fault)
{
	int (*answer)(int sock, __u64 cookie, __u32 response);
	__u32 response;
	long ret;
};

#define VARIANT(name, answer_, response_, ret_) \
	FIXTURE_VARIANT_ADD(answer_fault, name) { \
		.answer = answer_, \
		.response = response_, \
		.ret = ret_, \
	}

VARIANT(set_allow, answer, FAN_ALLOW, 0);
VARIANT(set_deny, answer, FAN_DENY, -EPERM);
VARIANT(set_cache, answer, FAN_ALLOW | FAN_CACHE, 0);
VARIANT(write_allow, write_answer, FAN_ALLOW, 0);
VARIANT(write_deny, write_answer, FAN_DENY, -EPERM);
VARIANT(write_cache, write_answer, FAN_ALLOW | FAN_CACHE, 0);

FIXTURE_SETUP(answer_fault)
{
	int ret = faults_init(&self->faults);

	if (ret == -ENOENT)
		SKIP(return, "the kernel has no fault injection");
	ASSERT_EQ(0, ret);
	private_tmp(_metadata);
	ASSERT_EQ(0, write_file(TMP "/file", "text"));
	ASSERT_EQ(0, stat(TMP "/file", &self->st));
}

FIXTURE_TEARDOWN(answer_fault)
{
	close(self->faults.nth);
}

TEST_F(answer_fault, answer)
{
	struct fanotify_so_event_metadata ev;
	struct faults *faults = &self->faults;
	int sock, ret, failures = 0;
	struct doer doer;
	bool failed;

	do {
		/* The first FAN_CACHE does more than the others. */
		sock = deaf_listener();
		ASSERT_LE(0, sock);
		ASSERT_EQ(0, set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT,
				     NEVER_MS));
		ASSERT_EQ(0, mark_path(sock, TMP "/file", FAN_OPEN_PERM, 0));
		ASSERT_TRUE(doer_start(&doer, do_open, TMP "/file"));
		ASSERT_EQ(0, next_event(sock, &self->st, &ev));
		close_event(&ev);
		faults_on(faults);
		ret = variant->answer(sock, ev.cookie, variant->response);
		failed = faults_off(faults);
		if (ret) {
			ASSERT_TRUE(failed);
			ASSERT_EQ(-EFAULT, ret);
			failures++;
			ASSERT_FALSE(doer_returned(&doer, 0));
			ASSERT_EQ(0, variant->answer(sock, ev.cookie,
						     variant->response));
		}
		ASSERT_EQ(variant->ret, doer_result(&doer));
		ASSERT_EQ(0, close(sock));
	} while (failed && faults->n < MAX_FAULTS);
	ASSERT_FALSE(failed);
	/* There is nothing but the copy. */
	EXPECT_LT(0, failures);
}

/* The task that has waited once too often evicts: with what fails then. */
FIXTURE(evict_fault)
{
	struct faults faults;
	int fd;
};

FIXTURE_VARIANT(evict_fault)
{
	__u32 policy;
	long ret;
};

FIXTURE_VARIANT_ADD(evict_fault, fails_open) {
	.policy = FAN_ALLOW,
	.ret = 1,
};

FIXTURE_VARIANT_ADD(evict_fault, fails_closed) {
	.policy = FAN_DENY,
	.ret = -EPERM,
};

FIXTURE_SETUP(evict_fault)
{
	int ret = faults_init(&self->faults);

	if (ret == -ENOENT)
		SKIP(return, "the kernel has no fault injection");
	ASSERT_EQ(0, ret);
	private_tmp(_metadata);
	ASSERT_EQ(0, write_file(TMP "/file", "text"));
}

FIXTURE_TEARDOWN(evict_fault)
{
	close(self->faults.nth);
}

TEST_F(evict_fault, evict)
{
	struct fanotify_so_event_metadata ev;
	struct faults *faults = &self->faults;
	int sock, fd, i;
	bool failed;
	long ret;
	char c;

	do {
		sock = deaf_listener();
		ASSERT_LE(0, sock);
		ASSERT_EQ(0, set_u32(sock, FANOTIFY_TIMEOUT_POLICY,
				     variant->policy));
		ASSERT_EQ(0, set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, 1));
		ASSERT_EQ(0, mark_path(sock, TMP "/file", FAN_ACCESS_PERM, 0));
		fd = open(TMP "/file", O_RDONLY | O_CLOEXEC);
		ASSERT_LE(0, fd);
		for (i = 1; i < FAN_SO_MAX_TIMEOUTS; i++)
			ASSERT_EQ(variant->ret, result(pread(fd, &c, 1, 0)));
		ASSERT_FALSE(poll_now(sock, POLLIN) & POLLHUP);

		faults_on(faults);
		ret = result(pread(fd, &c, 1, 0));
		failed = faults_off(faults);
		/* The copy of what was read fails, after it was allowed. */
		ASSERT_TRUE(ret == variant->ret ||
			    (failed && variant->ret == 1 && ret == -EFAULT)) {
			TH_LOG("fault %d: %ld", faults->n - 1, ret);
		}
		ASSERT_TRUE(poll_now(sock, POLLIN) & POLLHUP);
		ASSERT_EQ(variant->ret, result(pread(fd, &c, 1, 0)));
		ASSERT_EQ(-ETIMEDOUT, take_event(sock, &ev));
		ASSERT_EQ(0, result(recv(sock, &ev, sizeof(ev), 0)));
		ASSERT_EQ(0, close(sock));
		ASSERT_EQ(1, result(pread(fd, &c, 1, 0)));
		close(fd);
	} while (failed && faults->n < MAX_FAULTS);
	ASSERT_FALSE(failed);
}

/* What becomes of a mount that a global listener cannot have a mark of */
FIXTURE(mount_fault)
{
	struct faults faults;
};

FIXTURE_SETUP(mount_fault)
{
	int ret = faults_init(&self->faults);

	if (ret == -ENOENT)
		SKIP(return, "the kernel has no fault injection");
	ASSERT_EQ(0, ret);
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(TMP "/dir", 0755));
}

FIXTURE_TEARDOWN(mount_fault)
{
	close(self->faults.nth);
}

/* How many mounts failed, and how many overflows there were? */
struct mounted {
	int failed;
	int overflows;
};

/* What is mounted is guarded: somebody else is asked. */
static void check_guarded(struct __test_metadata *_metadata, int sock)
{
	struct fanotify_so_event_metadata ev;
	struct stat st;
	struct doer doer;

	ASSERT_EQ(0, stat(TMP "/dir/file", &st));
	ASSERT_TRUE(doer_start(&doer, do_open, TMP "/dir/file"));
	ASSERT_EQ(0, next_event(sock, &st, &ev));
	close_event(&ev);
	ASSERT_EQ(0, answer(sock, ev.cookie, FAN_DENY));
	ASSERT_EQ(-EPERM, doer_result(&doer));
}

/* Nothing else comes: the test does not hear itself. */
static void check_overflows(struct __test_metadata *_metadata, int sock,
			    bool failed, struct mounted *mounted)
{
	struct fanotify_so_event_metadata ev;
	int ret;

	while ((ret = take_event(sock, &ev)) > 0) {
		close_event(&ev);
		ASSERT_EQ(FAN_Q_OVERFLOW, ev.mask);
		ASSERT_TRUE(failed);
		mounted->overflows++;
	}
	ASSERT_EQ(0, ret);
}

static void mount_until_it_works(struct __test_metadata *_metadata,
				 struct faults *faults, __u32 mask,
				 struct mounted *mounted)
{
	int sock = global_listener(mask);
	bool failed;
	int ret;

	*mounted = (struct mounted){};
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, set_u32(sock, FANOTIFY_IGNORE_SELF, 1));
	ASSERT_EQ(0, set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, NEVER_MS));
	faults->n = 1;
	do {
		faults_on(faults);
		ret = result(mount("fanotify_test", TMP "/dir", "tmpfs", 0,
				   NULL));
		failed = faults_off(faults);
		check_overflows(_metadata, sock, failed, mounted);
		if (ret) {
			ASSERT_TRUE(failed);
			ASSERT_TRUE(ret == -ENOMEM || ret == -EFAULT ||
				    ret == -ENOSPC) {
				TH_LOG("fault %d: %d", faults->n - 1, ret);
			}
			mounted->failed++;
			/* Nothing is there. */
			ASSERT_EQ(-EINVAL, result(umount(TMP "/dir")));
			continue;
		}
		ASSERT_EQ(0, write_file(TMP "/dir/file", "text"));
		if (mask & FAN_OPEN_PERM)
			check_guarded(_metadata, sock);
		ASSERT_EQ(0, result(umount(TMP "/dir")));
	} while (failed && faults->n < MAX_FAULTS);
	ASSERT_FALSE(failed);
	ASSERT_EQ(0, close(sock));
}

TEST_F(mount_fault, mount)
{
	struct mounted heard, guarded;

	mount_until_it_works(_metadata, &self->faults, FAN_OPEN, &heard);
	mount_until_it_works(_metadata, &self->faults, FAN_OPEN_PERM, &guarded);
	/* The mark, its connector and what the superblock knows of its marks */
	EXPECT_LT(2, heard.overflows);
	EXPECT_EQ(0, guarded.overflows);
	EXPECT_LE(heard.failed + heard.overflows, guarded.failed);
}

TEST_HARNESS_MAIN
