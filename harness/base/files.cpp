#include "harness/base/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "harness/base/errors.hpp"

namespace tally {

void refused(const std::filesystem::path& path, int error) {
  throw results_error(fmt::format("{}: {}", path.string(), std::strerror(error)));
}

int write_durably(int descriptor, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(descriptor, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    done += static_cast<std::size_t>(n);
  }
  return ::fdatasync(descriptor) == 0 || errno == EINVAL || errno == EROFS ? 0 : errno;
}

void write_whole(const std::filesystem::path& path, const std::string& text) {
  const auto beside = path.parent_path() / (path.filename().string() + ".new");
  const int descriptor = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0) refused(path, errno);
  const int error = write_durably(descriptor, text);
  ::close(descriptor);
  if (error != 0 || ::rename(beside.c_str(), path.c_str()) != 0) {
    const int why = error != 0 ? error : errno;
    ::unlink(beside.c_str());
    refused(path, why);
  }
}

}  // namespace tally
