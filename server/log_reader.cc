#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>

#include "cluster/coding.h"
#include "server/data_directory.h"
#include "server/log_file.h"

namespace understudy::server {

namespace {

constexpr std::string_view kPrefix = "log-";
constexpr size_t kNumberDigits = 16;
constexpr size_t kSectorBytes = 512;  // what a disk writes whole or not at all

bool IsMark(std::string_view bytes, uint64_t number, uint64_t offset) {
  return offset + kMarkBytes <= bytes.size() && cluster::GetWord32(bytes.data() + offset) == 0 &&
         cluster::GetWord32(bytes.data() + offset + 4) == MarkChecksum(number, offset);
}

bool AllZero(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

// The end of what isn't zero.
uint64_t ContentEnd(std::string_view bytes) {
  size_t last = bytes.find_last_not_of('\0');
  return last == std::string_view::npos ? 0 : last + 1;
}

// Whether some whole sector, or the rest of one from `begin` on, is zero.
bool HasLostSector(std::string_view bytes, uint64_t begin, uint64_t end) {
  for (uint64_t at = begin; at < end;) {
    uint64_t sector_end = (at / kSectorBytes + 1) * kSectorBytes;
    if (sector_end > end) return false;
    bool long_enough = sector_end - at >= cluster::kRecordHeaderBytes;
    if (long_enough && AllZero(bytes.substr(at, sector_end - at))) return true;
    at = sector_end;
  }
  return false;
}

// `flaw`: where the newest segment stops to be good. See log_file.h, "Torn tail".
bool IsTornTail(std::string_view bytes, uint64_t number, uint64_t flaw) {
  uint64_t end = ContentEnd(bytes);
  for (uint64_t at = flaw; at < end; at++) {
    if (!IsMark(bytes, number, at)) continue;
    return at + kMarkBytes >= end && HasLostSector(bytes, flaw, at);
  }
  return true;
}

bool ParseSegmentName(std::string_view name, uint64_t* number) {
  if (name.size() != kPrefix.size() + kNumberDigits || !name.starts_with(kPrefix)) return false;
  *number = 0;
  for (char c : name.substr(kPrefix.size())) {
    int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) return false;
    *number = *number << 4 | static_cast<uint64_t>(digit);
  }
  return true;
}

std::string FileName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

bool SyncFile(const std::string& path, std::string* error) {
  int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  bool good = fd >= 0 && fsync(fd) == 0;
  if (!good) *error = "Can't fsync " + path + ": " + strerror(errno);
  if (fd >= 0) close(fd);
  return good;
}

}  // namespace

std::string SegmentPath(const std::string& dir, uint64_t number) {
  char name[32];
  snprintf(name, sizeof(name), "log-%016llx", static_cast<unsigned long long>(number));
  return dir + "/" + name;
}

uint32_t MarkChecksum(uint64_t segment_number, uint64_t offset) {
  char bytes[16];
  char* at = bytes;
  for (uint64_t word : {segment_number, offset}) {
    at = cluster::PutWord32(at, static_cast<uint32_t>(word));
    at = cluster::PutWord32(at, static_cast<uint32_t>(word >> 32));
  }
  uint32_t crc = cluster::Crc32c(std::string_view(bytes, sizeof(bytes)));
  return crc == 0 ? 1 : crc;  // a mark isn't all zeros
}

bool ListSegments(const std::string& dir, std::vector<Segment>* segments, std::string* error) {
  segments->clear();
  DIR* stream = opendir(dir.c_str());
  if (stream == nullptr) {
    *error = "Can't read " + dir + ": " + strerror(errno);
    return false;
  }
  while (const dirent* entry = readdir(stream)) {
    Segment segment;
    if (!ParseSegmentName(entry->d_name, &segment.number)) continue;
    segment.path = dir + "/" + entry->d_name;
    segments->push_back(std::move(segment));
  }
  closedir(stream);
  std::sort(segments->begin(), segments->end(),
            [](const Segment& a, const Segment& b) { return a.number < b.number; });
  return true;
}

uint64_t WalkSegment(std::string_view bytes, uint64_t number,
                     const std::function<void(uint64_t offset, const cluster::EntryView& entry,
                                              std::string_view record)>& visit) {
  const uint64_t end = ContentEnd(bytes);
  if (end == 0) return bytes.size();
  if (bytes.substr(0, kSegmentHeaderBytes) != SegmentHeader(number)) return 0;
  for (uint64_t at = kSegmentHeaderBytes; at < end;) {
    if (IsMark(bytes, number, at)) {
      at += kMarkBytes;
      continue;
    }
    cluster::EntryView entry;
    size_t size = 0;
    std::string_view rest = bytes.substr(at);
    if (cluster::ReadRecord(rest, &entry, &size) != cluster::RecordStatus::kOk) return at;
    visit(at, entry, rest.substr(0, size));
    at += size;
  }
  return bytes.size();
}

std::string SegmentHeader(uint64_t number) {
  std::string header("USLOG\0\0\1", 8);
  char word[4];
  for (uint32_t half : {static_cast<uint32_t>(number), static_cast<uint32_t>(number >> 32)}) {
    cluster::PutWord32(word, half);
    header.append(word, sizeof(word));
  }
  return header;
}

bool LogReader::Open(const std::string& dir, std::string* error) {
  dir_ = dir;
  if (!ListSegments(dir, &segments_, error)) return false;
  // Which one is the newest with records, and so may have a torn tail?
  used_ = 0;
  for (size_t i = segments_.size(); i > 0 && used_ == 0; i--) {
    auto file = MappedFile::Map(segments_[i - 1].path, error);
    if (file == nullptr) return false;
    if (ContentEnd(file->bytes()) > kSegmentHeaderBytes) used_ = i;
  }
  for (size_t i = 0; i < used_; i++) {
    if (i > 0 && segments_[i].number != segments_[i - 1].number + 1) {
      flawed_ = i;
      damage_ = {segments_[i].path, 0, "segments before it are missing"};
      break;
    }
    auto file = MappedFile::Map(segments_[i].path, error);
    if (file == nullptr) return false;
    if (!ScanSegment(i, i + 1 == used_, file->bytes())) break;
  }
  return true;
}

bool LogReader::ScanSegment(size_t at, bool newest, std::string_view bytes) {
  Segment& segment = segments_[at];
  uint64_t good = WalkSegment(bytes, segment.number,
                              [&](uint64_t offset, const cluster::EntryView& entry,
                                  std::string_view) { Note(at, offset, entry); });
  if (good >= bytes.size()) return true;
  flawed_ = at;
  if (newest && IsTornTail(bytes, segment.number, good)) {
    torn_tail_ = {segment.path, good,
                  "torn tail of " + std::to_string(ContentEnd(bytes) - good) + " bytes"};
  } else {
    damage_ = {segment.path, good,
               good == 0 ? "wrong header" : "not a record, or a wrong checksum"};
  }
  return false;
}

void LogReader::Note(size_t segment, uint64_t offset, const cluster::EntryView& entry) {
  cluster::Index& newest = segments_[segment].last[entry.cluster];
  newest = std::max(newest, entry.index);
  std::vector<Run>& runs = runs_[entry.cluster];
  if (!runs.empty() && entry.index > runs.back().last + 1) runs.clear();
  while (!runs.empty() && runs.back().first >= entry.index) runs.pop_back();
  if (!runs.empty() && runs.back().last + 1 == entry.index && runs.back().segment == segment) {
    runs.back().last = entry.index;
    return;
  }
  if (!runs.empty()) runs.back().last = entry.index - 1;
  runs.push_back({segment, offset, entry.index, entry.index});
}

std::vector<uint64_t> LogReader::clusters() const {
  std::vector<uint64_t> numbers;
  for (const auto& [number, runs] : runs_) {
    if (!runs.empty()) numbers.push_back(number);
  }
  return numbers;
}

bool LogReader::ForEach(uint64_t cluster, const Visit& visit) const {
  auto found = runs_.find(cluster);
  if (found == runs_.end()) return true;
  std::shared_ptr<const MappedFile> file;
  size_t mapped = 0;
  std::string ignored;
  for (const Run& run : found->second) {
    if (file == nullptr || mapped != run.segment) {
      file = MappedFile::Map(segments_[run.segment].path, &ignored);
      mapped = run.segment;
      if (file == nullptr) return false;
    }
    const uint64_t number = segments_[mapped].number;
    uint64_t at = run.offset;
    for (cluster::Index next = run.first; next <= run.last;) {
      if (IsMark(file->bytes(), number, at)) {
        at += kMarkBytes;
        continue;
      }
      cluster::EntryView entry;
      size_t size = 0;
      std::string_view rest = file->bytes().substr(std::min<uint64_t>(at, file->bytes().size()));
      if (cluster::ReadRecord(rest, &entry, &size, false) != cluster::RecordStatus::kOk) {
        return false;
      }
      if (entry.cluster == cluster) {
        if (entry.index != next) return false;
        visit(entry, rest.substr(0, size));
        next++;
      }
      at += size;
    }
  }
  return true;
}

bool LogReader::Repair(std::string* error) {
  if (!damage_.path.empty() && !PutDamagedAside(error)) return false;
  if (!torn_tail_.path.empty() && !CutTornTail(error)) return false;
  bool changed = !damage_.path.empty();
  while (segments_.size() > used_) {
    if (unlink(segments_.back().path.c_str()) != 0 && errno != ENOENT) {
      *error = "Can't remove " + segments_.back().path + ": " + strerror(errno);
      return false;
    }
    segments_.pop_back();
    changed = true;
  }
  return !changed || SyncDirectory(dir_, error);
}

bool LogReader::CutTornTail(std::string* error) {
  if (truncate(torn_tail_.path.c_str(), static_cast<off_t>(torn_tail_.offset)) != 0) {
    *error = "Can't cut " + torn_tail_.path + ": " + strerror(errno);
    return false;
  }
  if (!SyncFile(torn_tail_.path, error)) return false;
  if (torn_tail_.offset <= kSegmentHeaderBytes) used_--;  // nothing is left of it
  return true;
}

// From the newest segment to the flawed one, so that after a crash in between the flaw is still
// there to be found.
bool LogReader::PutDamagedAside(std::string* error) {
  auto fail = [&](const std::string& path) {
    *error = "Can't put the damaged log file " + path + " aside: " + strerror(errno);
    return false;
  };
  auto aside = [&](const std::string& path) { return dir_ + "/damaged-" + FileName(path); };
  const bool keep_prefix = damage_.offset > kSegmentHeaderBytes;
  while (segments_.size() > flawed_ + (keep_prefix ? 1 : 0)) {
    const std::string& path = segments_.back().path;
    if (rename(path.c_str(), aside(path).c_str()) != 0) return fail(path);
    segments_.pop_back();
  }
  used_ = segments_.size();
  if (!keep_prefix) return true;
  const std::string& path = segments_.back().path;
  auto file = MappedFile::Map(path, error);
  if (file == nullptr) return false;
  unlink(aside(path).c_str());
  if (link(path.c_str(), aside(path).c_str()) != 0) return fail(path);
  return ReplaceFile(path, file->bytes().substr(0, damage_.offset), error);
}

}  // namespace understudy::server
