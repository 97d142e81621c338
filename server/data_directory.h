// A node's data directory: made if missing, locked by its process, and home of the node's id.
//
//   <dir>/lock        locked (flock) by the process that uses the directory; holds its process id
//   <dir>/node-id     40 lower-case hex digits: the node's id, made at its first start
//   <dir>/running     there from NoteRunning() to NoteCleanStop(): "<keeping> <boot of the host>"
//   <dir>/promises    server/lock_file.h
//   <dir>/log-*       server/log_file.h
//   <dir>/snapshot-*  server/snapshot_file.h
//
// Errors are one line of text that names the file. Blocks on the disk: for start and stop.
#pragma once

#include <string>
#include <string_view>

namespace understudy::server {

class DataDirectory {
 public:
  DataDirectory() = default;
  ~DataDirectory();  // unlocks
  DataDirectory(const DataDirectory&) = delete;
  DataDirectory& operator=(const DataDirectory&) = delete;

  // Makes (with parents), locks, and reads the id or makes one. False: `error` says why; nothing
  // is held. To be called once. The lock belongs to the open file, so it survives a fork() whose
  // child goes on (daemonize) and the parent's exit.
  bool Open(const std::string& path, std::string* error);

  const std::string& path() const { return path_; }
  const std::string& node_id() const { return node_id_; }
  bool is_new() const { return is_new_; }  // the id was made by this Open()

  // Writes the process id into the lock file, for people: again after a fork().
  void NotePid();

  // How the last process that used the directory ended, as found by Open().
  enum class LastStop {
    kNew,              // none was
    kClean,            // NoteCleanStop() was its last word
    kProcessDied,      // without a note, but the host is still up: the kernel has all it wrote
    kHostMayHaveDied,  // what wasn't fsynced may be lost
  };
  LastStop last_stop() const { return last_stop_; }
  // How much a run may lose when the host dies, or when it ends at all.
  enum class Keeping : uint8_t { kSynced, kUnsynced, kMemoryOnly };
  Keeping last_keeping() const { return last_keeping_; }  // of the last run; kNew: kSynced
  // From now on a crash will be seen as one, and as of a run of this kind. To be called when
  // everything that follows from last_stop() and last_keeping() (the quarantine of a member) is
  // durable, and before anything is acknowledged.
  bool NoteRunning(Keeping keeping, std::string* error);
  // Everything is on disk and nothing will be written any more. Not after kMemoryOnly.
  bool NoteCleanStop(std::string* error);

 private:
  bool Lock(std::string* error);
  bool LoadNodeId(std::string* error);
  bool ReadLastStop(std::string* error);
  std::string File(std::string_view name) const { return path_ + "/" + std::string(name); }

  std::string path_;
  std::string node_id_;
  bool is_new_ = false;
  LastStop last_stop_ = LastStop::kNew;
  Keeping last_keeping_ = Keeping::kSynced;
  int lock_fd_ = -1;
};

// Makes the names in a directory durable (those created, renamed and removed so far).
bool SyncDirectory(const std::string& path, std::string* error);
// Replaces a file whole and durably: temporary file beside it, fsync, rename, fsync of the
// directory. After a crash there is the old text or the new. Keeps the old file's mode.
bool ReplaceFile(const std::string& path, std::string_view text, std::string* error);
// At most `limit` bytes. False: can't be read, or is longer.
bool ReadWholeFile(const std::string& path, size_t limit, std::string* text, std::string* error);

}  // namespace understudy::server
