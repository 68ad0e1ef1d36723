// SPDX-License-Identifier: GPL-2.0
/* What is done to files, one after another; each step finds what they left. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "regress.h"

/* The one that a step leaves open for the next ones */
static int fd = -1, copy = -1;
static char buf[4096];

static long keep(int ret)
{
	fd = result(ret);
	return fd < 0 ? fd : 0;
}

static long do_close(void)
{
	long ret = result(close(fd));

	/* Not one that somebody else gets meanwhile */
	fd = -1;
	return ret;
}

static long open_read(void)
{
	return keep(open("file", O_RDONLY | O_CLOEXEC));
}

static long open_write(void)
{
	return keep(open("file", O_RDWR | O_CLOEXEC));
}

static long open_append(void)
{
	return keep(open("file", O_WRONLY | O_APPEND | O_CLOEXEC));
}

static long open_truncate(void)
{
	return keep(open("file", O_WRONLY | O_TRUNC | O_CLOEXEC));
}

static long open_path(void)
{
	return keep(open("file", O_PATH | O_CLOEXEC));
}

static long open_symlink(void)
{
	return keep(open("symlink", O_RDONLY | O_CLOEXEC));
}

static long open_inner(void)
{
	return keep(open("dir/inner", O_RDWR | O_CLOEXEC));
}

static long open_deep(void)
{
	return keep(open("dir/sub/deep", O_RDWR | O_CLOEXEC));
}

static long open_other(void)
{
	return keep(open("other", O_RDWR | O_CLOEXEC));
}

static long open_nothing(void)
{
	return keep(open("nothing", O_RDONLY | O_CLOEXEC));
}

static long open_fifo(void)
{
	return keep(open("fifo", O_RDWR | O_CLOEXEC));
}

static long open_dir(void)
{
	return keep(open("dir", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static long open_here(void)
{
	return keep(open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static long open_denied(void)
{
	return keep(open("denied-open", O_RDONLY | O_CLOEXEC));
}

static long open_unread(void)
{
	return keep(open("denied-read", O_RDONLY | O_CLOEXEC));
}

static long create(void)
{
	return keep(open("new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
}

static long create_again(void)
{
	return result(open("new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
}

static long create_inner(void)
{
	return keep(creat("dir/new", 0600));
}

static long do_read(void)
{
	return result(read(fd, buf, 4));
}

static long read_rest(void)
{
	long ret;

	do {
		ret = result(read(fd, buf, 5));
	} while (ret > 0);
	return ret;
}

static long read_badly(void)
{
	return result(read(fd, bad_address, 4));
}

static long read_nothing(void)
{
	return result(pread(fd, buf, 0, 0));
}

static long do_pread(void)
{
	return result(pread(fd, buf, 4, 0));
}

static long do_readv(void)
{
	struct iovec iov[2] = { { buf, 1 }, { buf + 1, 1 } };

	return result(preadv(fd, iov, 2, 0));
}

static long do_write(void)
{
	return result(write(fd, "text", 4));
}

static long write_nothing(void)
{
	return result(write(fd, "", 0));
}

static long write_badly(void)
{
	return result(write(fd, bad_address, 4));
}

static long do_pwrite(void)
{
	return result(pwrite(fd, "text", 4, 100));
}

static long do_writev(void)
{
	struct iovec iov[2] = { { "te", 2 }, { "xt", 2 } };

	return result(pwritev2(fd, iov, 2, -1, 0));
}

static long do_sendfile(void)
{
	int out = open("other", O_WRONLY | O_CLOEXEC);
	off_t off = 0;
	long ret = result(sendfile(out, fd, &off, 5));

	close(out);
	return ret;
}

static long do_copy_range(void)
{
	int out = open("dir/second", O_WRONLY | O_CLOEXEC);
	off_t in_off = 0, out_off = 0;
	long ret = result(copy_file_range(fd, &in_off, out, &out_off, 4, 0));

	close(out);
	return ret;
}

static long do_splice(void)
{
	loff_t off = 0;
	int ends[2];
	long ret;

	if (pipe2(ends, O_CLOEXEC))
		fail("pipe");
	ret = result(splice(fd, &off, ends[1], NULL, 4, 0));
	if (ret > 0)
		ret = result(splice(ends[0], NULL, fd, &off, 4, 0));
	close(ends[0]);
	close(ends[1]);
	return ret;
}

static long do_ftruncate(void)
{
	return result(ftruncate(fd, 3));
}

static long do_truncate(void)
{
	return result(truncate("file", 20));
}

static long do_fallocate(void)
{
	return result(fallocate(fd, 0, 0, 8192));
}

static long punch_hole(void)
{
	return result(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				0, 4096));
}

static long do_fsync(void)
{
	return result(fsync(fd) ?: flock(fd, LOCK_EX));
}

static long do_fchmod(void)
{
	return result(fchmod(fd, 0600));
}

static long do_dup(void)
{
	copy = dup(fd);
	return copy < 0 ? -errno : 0;
}

static long close_copy(void)
{
	return result(close(copy));
}

static int close_in_child(void)
{
	return close(fd);
}

static long child_closes(void)
{
	return in_child(close_in_child);
}

static int read_and_write(void)
{
	int file = open("file", O_RDWR | O_APPEND | O_CLOEXEC);

	return read(file, buf, 2) != 2 || write(file, "x", 1) != 1 ||
	       close(file);
}

static long child_writes(void)
{
	return in_child(read_and_write);
}

static int open_and_exit(void)
{
	return open("file", O_WRONLY | O_CLOEXEC) < 0;
}

static long child_exits(void)
{
	return in_child(open_and_exit);
}

static int open_and_die(void)
{
	open("file", O_RDONLY | O_CLOEXEC);
	return raise(SIGKILL);
}

static long child_dies(void)
{
	return in_child(open_and_die);
}

static long map_shared(void)
{
	char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	long ret;

	if (map == MAP_FAILED)
		return -errno;
	map[0] = 'm';
	ret = result(msync(map, 4096, MS_SYNC));
	munmap(map, 4096);
	return ret;
}

static long map_program(void)
{
	int file = open("program", O_RDONLY | O_CLOEXEC);
	char *map = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
	long ret = map == MAP_FAILED ? -errno : map[1];

	close(file);
	if (map != MAP_FAILED)
		munmap(map, 4096);
	return ret;
}

/* A program is started by a child, which says with what error if it is not. */
#define EXEC(name, call) \
static int exec_##name(void) \
{ \
	call; \
	return errno; \
} \
\
static long run_##name(void) \
{ \
	return in_child(exec_##name); \
}

static char *const arguments[] = { "program", "nothing", NULL };

EXEC(program, execv("program", arguments))
EXEC(script, execl("script", "script", NULL))
EXEC(denied, execv("denied-exec", arguments))
EXEC(file, execl("other", "other", NULL))
EXEC(opened, syscall(SYS_execveat, fd, "", arguments, NULL, AT_EMPTY_PATH))

static long open_program(void)
{
	return keep(open("program", O_RDONLY | O_CLOEXEC));
}

static long list(void)
{
	return result(syscall(SYS_getdents64, fd, buf, sizeof(buf))) < 0;
}

static long list_rest(void)
{
	long ret;

	do {
		ret = result(syscall(SYS_getdents64, fd, buf, 128));
	} while (ret > 0);
	return ret;
}

static long look(void)
{
	struct stat st;

	if (stat("file", &st) || lstat("symlink", &st) || access("dir", R_OK) ||
	    readlink("symlink", buf, sizeof(buf)) < 0 || fstat(fd, &st) ||
	    lseek(fd, 0, SEEK_SET))
		return -errno;
	return 0;
}

static long do_chmod(void)
{
	return result(chmod("file", 0640));
}

static long chmod_same(void)
{
	return result(chmod("file", 0640));
}

static long chmod_dir(void)
{
	return result(chmod("dir", 0750));
}

static long chmod_inner(void)
{
	return result(chmod("dir/inner", 0640));
}

static long chmod_symlink(void)
{
	return result(fchownat(AT_FDCWD, "symlink", 1, 1, AT_SYMLINK_NOFOLLOW));
}

static long do_chown(void)
{
	return result(chown("file", 1, 1));
}

static long do_utimes(void)
{
	struct timeval times[2] = { { 1, 0 }, { 2, 0 } };

	return result(utimes("file", times));
}

static long touch_atime(void)
{
	struct timespec times[2] = { { 0, UTIME_NOW }, { 0, UTIME_OMIT } };

	return result(utimensat(AT_FDCWD, "other", times, 0));
}

static long set_attribute(void)
{
	return result(setxattr("file", "trusted.regress", "value", 5, 0));
}

static long remove_attribute(void)
{
	return result(removexattr("file", "trusted.regress"));
}

static long make_link(void)
{
	return result(link("file", "hard"));
}

static long link_into_dir(void)
{
	return result(link("file", "dir/hard"));
}

static long open_hard(void)
{
	return keep(open("dir/hard", O_RDONLY | O_CLOEXEC));
}

static long unlink_hard(void)
{
	return result(unlink("hard"));
}

static long make_symlink(void)
{
	return result(symlink("nowhere", "dir/dangling"));
}

static long make_node(void)
{
	return result(mknod("dir/node", S_IFIFO | 0600, 0));
}

static long unlink_node(void)
{
	return result(unlink("dir/node"));
}

static long do_rename(void)
{
	return result(rename("new", "newer"));
}

static long rename_same(void)
{
	return result(rename("newer", "newer"));
}

static long rename_into(void)
{
	return result(rename("newer", "dir/newer"));
}

static long rename_out(void)
{
	return result(rename("dir/newer", "newer"));
}

static long rename_over(void)
{
	return result(rename("newer", "dir/new"));
}

static long rename_over_link(void)
{
	return result(rename("dir/second", "dir/hard"));
}

static long rename_missing(void)
{
	return result(rename("nothing", "something"));
}

static long rename_exchange(void)
{
	return result(renameat2(AT_FDCWD, "file", AT_FDCWD, "dir/new",
				RENAME_EXCHANGE));
}

static long rename_no_replace(void)
{
	return result(renameat2(AT_FDCWD, "file", AT_FDCWD, "other",
				RENAME_NOREPLACE));
}

static long rename_whiteout(void)
{
	return result(renameat2(AT_FDCWD, "dir/new", AT_FDCWD, "dir/white",
				RENAME_WHITEOUT));
}

static long unlink_whiteout(void)
{
	return result(unlink("dir/new"));
}

static long rename_dir(void)
{
	return result(rename("empty", "emptier"));
}

static long rename_dir_into(void)
{
	return result(rename("emptier", "dir/emptier"));
}

static long rename_sub(void)
{
	return result(rename("dir/sub", "sub"));
}

static long open_moved(void)
{
	return keep(open("sub/deep", O_RDONLY | O_CLOEXEC));
}

static long rename_sub_back(void)
{
	return result(rename("sub", "dir/sub"));
}

static long exchange_dirs(void)
{
	return result(renameat2(AT_FDCWD, "dir/sub", AT_FDCWD, "dir/emptier",
				RENAME_EXCHANGE));
}

static long exchange_dirs_back(void)
{
	return exchange_dirs();
}

static long make_dir(void)
{
	return result(mkdir("made", 0755));
}

static long make_dir_inside(void)
{
	return result(mkdir("made/inside", 0755));
}

static long remove_full(void)
{
	return result(rmdir("made"));
}

static long rename_dir_over(void)
{
	return result(rename("dir/emptier", "made/inside"));
}

static long remove_inside(void)
{
	return result(rmdir("made/inside"));
}

static long remove_dir(void)
{
	return result(rmdir("made"));
}

static long make_nameless(void)
{
	return keep(open("dir", O_RDWR | O_TMPFILE | O_CLOEXEC, 0644));
}

static long name_it(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return result(linkat(AT_FDCWD, path, AT_FDCWD, "dir/named",
			     AT_SYMLINK_FOLLOW));
}

static long unlink_named(void)
{
	return result(unlink("dir/named"));
}

static long unlink_inner(void)
{
	return result(unlink("dir/inner"));
}

static long unlink_file(void)
{
	return result(unlink("file"));
}

static long unlink_other(void)
{
	return result(unlink("other"));
}

static long unlink_missing(void)
{
	return result(unlink("nothing"));
}

static long open_by_handle(void)
{
	union {
		struct file_handle fh;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} handle = { .fh.handle_bytes = MAX_HANDLE_SZ };
	int mount_id, here, ret;

	if (name_to_handle_at(AT_FDCWD, "program", &handle.fh, &mount_id, 0))
		return -errno;
	here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ret = open_by_handle_at(here, &handle.fh, O_RDONLY | O_CLOEXEC);
	close(here);
	return keep(ret);
}

/* Many things before anybody reads, so that queues merge what they do. */
static long burst(void)
{
	int i, file;

	for (i = 0; i < 3; i++) {
		file = open(i == 1 ? "dir/inner" : "file", O_RDWR | O_CLOEXEC);
		if (file < 0 || read(file, buf, 2) != 2 ||
		    pwrite(file, "b", 1, 0) != 1 || close(file))
			return -errno;
	}
	return 0;
}

static long burst_of_entries(void)
{
	char path[32], to[32];
	int i;

	for (i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%sburst%d", i & 1 ? "dir/" : "", i);
		snprintf(to, sizeof(to), "%sburst%d", i & 2 ? "dir/" : "", i);
		if (close(creat(path, 0600)) || rename(path, to) ||
		    chmod(to, 0644) || unlink(to))
			return -errno;
	}
	return 0;
}

static long burst_by_two(void)
{
	return in_child(read_and_write) ?: burst() ?: in_child(read_and_write);
}

const struct step steps_files[] = {
	{ "open to read", open_read },
	{ "read", do_read },
	{ "read nothing", read_nothing },
	{ "pread", do_pread },
	{ "readv", do_readv },
	{ "read to the end", read_rest },
	{ "read to a bad address", read_badly },
	{ "sendfile", do_sendfile },
	{ "copy_file_range", do_copy_range },
	{ "stat, readlink, lseek", look },
	{ "dup", do_dup },
	{ "close one", do_close },
	{ "close the other", close_copy },
	{ "open to read and write", open_write },
	{ "a child closes its copy", child_closes },
	{ "write", do_write },
	{ "write nothing", write_nothing },
	{ "write from a bad address", write_badly },
	{ "pwrite", do_pwrite },
	{ "writev", do_writev },
	{ "splice", do_splice },
	{ "fallocate", do_fallocate },
	{ "punch a hole", punch_hole },
	{ "map and write", map_shared },
	{ "fsync", do_fsync },
	{ "ftruncate", do_ftruncate },
	{ "fchmod", do_fchmod },
	{ "close", do_close },
	{ "open to append", open_append },
	{ "append", do_write },
	{ "close", do_close },
	{ "open and truncate", open_truncate },
	{ "write again", do_write },
	{ "close", do_close },
	{ "truncate", do_truncate },
	{ "open as a path", open_path },
	{ "close", do_close },
	{ "open by a symlink", open_symlink },
	{ "close", do_close },
	{ "open what is not there", open_nothing },
	{ "open a fifo", open_fifo },
	{ "write to a fifo", do_write },
	{ "read from a fifo", do_read },
	{ "close", do_close },
	{ "open what is ignored", open_other },
	{ "read it", do_read },
	{ "write to it", do_write },
	{ "close", do_close },
	{ "open it again", open_other },
	{ "close", do_close },
	{ "open a file in a directory", open_inner },
	{ "read it", do_read },
	{ "write to it", do_write },
	{ "close", do_close },
	{ "open one further below", open_deep },
	{ "read it", do_read },
	{ "write to it", do_write },
	{ "close", do_close },
	{ "a burst", burst },
	{ "a burst by two", burst_by_two },
	{ "a child reads and writes", child_writes },
	{ "a child exits with an open file", child_exits },
	{ "a child is killed with an open file", child_dies },
	{ "open by handle", open_by_handle },
	{ "read it", do_read },
	{ "close", do_close },
	{ "what is denied: open", open_denied },
	{ "what is denied: open, to read", open_unread },
	{ "what is denied: read", do_read },
	{ "what is denied: close", do_close },
	{ "what is denied: execute", run_denied },
	{ "execute a program", run_program },
	{ "execute a script", run_script },
	{ "execute what is none", run_file },
	{ "open a program", open_program },
	{ "execute it by the descriptor", run_opened },
	{ "close", do_close },
	{ "map a program", map_program },
	{ "open a directory", open_dir },
	{ "list it", list },
	{ "list the rest", list_rest },
	{ "close", do_close },
	{ "open this directory", open_here },
	{ "list it", list_rest },
	{ "close", do_close },
	{ "chmod", do_chmod },
	{ "chmod to what it is", chmod_same },
	{ "chmod of a directory", chmod_dir },
	{ "chmod in a directory", chmod_inner },
	{ "chown of a symlink", chmod_symlink },
	{ "chown", do_chown },
	{ "utimes", do_utimes },
	{ "touch the time of access", touch_atime },
	{ "setxattr", set_attribute },
	{ "removexattr", remove_attribute },
	{ "create", create },
	{ "create again", create_again },
	{ "write to it", do_write },
	{ "close", do_close },
	{ "create in a directory", create_inner },
	{ "close", do_close },
	{ "link", make_link },
	{ "link into a directory", link_into_dir },
	{ "open by the link", open_hard },
	{ "close", do_close },
	{ "unlink a link", unlink_hard },
	{ "symlink", make_symlink },
	{ "mknod", make_node },
	{ "unlink a node", unlink_node },
	{ "rename", do_rename },
	{ "rename to itself", rename_same },
	{ "rename into a directory", rename_into },
	{ "rename out of it", rename_out },
	{ "rename over another file", rename_over },
	{ "rename over a link", rename_over_link },
	{ "rename what is not there", rename_missing },
	{ "exchange two files", rename_exchange },
	{ "rename without replacing", rename_no_replace },
	{ "rename and leave a whiteout", rename_whiteout },
	{ "unlink the whiteout", unlink_whiteout },
	{ "rename a directory", rename_dir },
	{ "rename it into another", rename_dir_into },
	{ "rename a directory out of another", rename_sub },
	{ "open below what was moved", open_moved },
	{ "close", do_close },
	{ "rename it back", rename_sub_back },
	{ "exchange two directories", exchange_dirs },
	{ "and back", exchange_dirs_back },
	{ "mkdir", make_dir },
	{ "mkdir in it", make_dir_inside },
	{ "rmdir of a full one", remove_full },
	{ "rename a directory over another", rename_dir_over },
	{ "rmdir below", remove_inside },
	{ "rmdir", remove_dir },
	{ "a burst of entries", burst_of_entries },
	{ "O_TMPFILE", make_nameless },
	{ "write to it", do_write },
	{ "linkat", name_it },
	{ "close", do_close },
	{ "unlink it", unlink_named },
	{ "open to be deleted", open_inner },
	{ "unlink an open file", unlink_inner },
	{ "write to it", do_write },
	{ "read from it", do_pread },
	{ "fchmod of it", do_fchmod },
	{ "close", do_close },
	{ }
};

const struct step steps_last[] = {
	{ "unlink what is marked", unlink_file },
	{ "unlink what is ignored", unlink_other },
	{ "unlink what is not there", unlink_missing },
	{ }
};
