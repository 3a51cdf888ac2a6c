/*
** query_folder.c - see query_folder.h.
*/
#include "app/query_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int tl_folder_open(const char *path)
{
    if (mkdir(path, 0777) != 0 && errno != EEXIST) return -1;
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int tl_folder_create(int folder, const char *name)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    if (strchr(name, '/') != NULL) {
        errno = EINVAL;
        return -1;
    }
    struct open_how how = {.flags = (unsigned)flags, .mode = 0666, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    int fd = (int)syscall(SYS_openat2, folder, name, &how, sizeof how);
    if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return fd;
    /* An older kernel, or a sandbox that does not know the call: the name has no slash, so this says the same. */
    return openat(folder, name, flags, 0666);
}
