#include "server/inspect_log.h"

#include <map>
#include <memory>

#include "cluster/types.h"
#include "server/file_operations.h"
#include "server/lock_file.h"
#include "server/log_file.h"
#include "server/options.h"
#include "server/peer_codec.h"
#include "server/snapshot_file.h"
#include "targets/effect.h"

namespace understudy::server {

namespace {

constexpr size_t kShownWords = 8;
constexpr size_t kShownWordBytes = 40;
constexpr size_t kShownEffects = 4;

std::string Shown(std::string_view word) {
  if (word.size() <= kShownWordBytes) return QuoteConfigWord(word);
  return QuoteConfigWord(word.substr(0, kShownWordBytes)) + "...(" + std::to_string(word.size()) +
         " bytes)";
}

std::string Shown(const cluster::Configuration& configuration) {
  static constexpr std::string_view kKinds[] = {"voter", "learner", "witness"};
  std::string out;
  for (const cluster::MemberInfo& member : configuration.members) {
    if (!out.empty()) out += ", ";
    out += member.name + " " + member.id.substr(0, 8) + " " + member.address + " ";
    out.append(kKinds[static_cast<size_t>(member.kind)]);
  }
  return "[" + out + "]";
}

// What a normal entry does, as commands.
void PrintEffects(std::string_view payload, std::ostream& out) {
  EntryPayload entry;
  if (!DecodeEntryPayload(payload, &entry)) {
    out << " payload of another format";
    return;
  }
  targets::EffectReader effects(entry.update);
  int db = 0;
  std::vector<std::string_view> words;
  size_t count = 0;
  for (; effects.Next(&db, &words); count++) {
    if (count >= kShownEffects) continue;
    out << " {db " << db;
    for (size_t i = 0; i < std::min(words.size(), kShownWords); i++) out << " " << Shown(words[i]);
    if (words.size() > kShownWords) out << " ...(" << words.size() << " words)";
    out << "}";
  }
  if (count > kShownEffects) out << " ...(" << count << " effects)";
  if (!effects.ok()) out << " malformed update";
}

void PrintEntry(uint64_t offset, const cluster::EntryView& entry, size_t size, std::ostream& out) {
  out << "  " << offset << ": cluster " << entry.cluster << " term " << entry.term << " index "
      << entry.index << " time " << entry.time_ms << " bytes " << size;
  cluster::Configuration configuration;
  switch (entry.type) {
    case cluster::EntryType::kEmpty:
      out << " empty";
      break;
    case cluster::EntryType::kConfiguration:
      out << " configuration ";
      if (cluster::Configuration::Decode(entry.payload, &configuration)) {
        out << Shown(configuration);
      } else {
        out << "malformed";
      }
      break;
    case cluster::EntryType::kNormal:
      PrintEffects(entry.payload, out);
      break;
  }
  out << "\n";
}

void PrintLockState(uint64_t number, const std::string& bytes, std::ostream& out) {
  cluster::LockState lock;
  out << "cluster " << number << ": ";
  if (!cluster::LockState::Decode(bytes, &lock)) {
    out << "lock state of another format\n";
    return;
  }
  auto node = [](const cluster::NodeId& id) { return id.empty() ? "nobody" : id.substr(0, 8); };
  out << "term " << lock.term << ", granted to " << node(lock.granted_to) << " run "
      << lock.granted_run << ", holder " << node(lock.holder) << " run " << lock.holder_run
      << " of term " << lock.holder_term << (lock.promised_nothing ? ", promised nothing" : "")
      << (lock.quarantined ? ", quarantined" : "") << ", configuration of index "
      << lock.configuration_index << " " << Shown(lock.configuration) << "\n";
}

bool PrintSegment(const Segment& segment, std::ostream& out, std::string* error) {
  auto file = MappedFile::Map(segment.path, error);
  if (file == nullptr) return false;
  out << segment.path << ", " << file->bytes().size() << " bytes\n";
  WalkSegment(file->bytes(), segment.number,
              [&](uint64_t offset, const cluster::EntryView& entry, std::string_view record) {
                PrintEntry(offset, entry, record.size(), out);
              });
  return true;
}

}  // namespace

bool InspectLog(const std::string& dir, std::ostream& out, std::string* error) {
  std::map<uint64_t, std::string> states;
  std::vector<Segment> segments;
  if (!ListSegments(dir, &segments, error) || !LockFile::Read(dir, &states, error)) return false;
  for (const auto& [number, bytes] : states) PrintLockState(number, bytes, out);
  for (uint64_t number : ListSnapshots(dir)) {
    SnapshotFile snapshot;
    std::string why;
    out << "snapshot of cluster " << number << ": ";
    if (LoadSnapshotFile(dir, number, &snapshot, &why) == SnapshotStatus::kLoaded) {
      out << "index " << snapshot.index << " term " << snapshot.term << " time " << snapshot.time_ms
          << " bytes " << snapshot.data.size() << "\n";
    } else {
      out << why << "\n";
    }
  }
  for (const Segment& segment : segments) {
    if (!PrintSegment(segment, out, error)) return false;
  }
  LogReader log;
  if (!log.Open(dir, error)) return false;
  for (const LogFlaw* flaw : {&log.torn_tail(), &log.damage()}) {
    if (flaw->path.empty()) continue;
    out << flaw->path << ": " << flaw->what << " at offset " << flaw->offset
        << (flaw == &log.damage() ? " (damage)\n" : "\n");
  }
  return true;
}

}  // namespace understudy::server
