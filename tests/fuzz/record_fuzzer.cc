// What comes from peers and from disk: log records, the log that takes them, lock states and
// configurations. Nothing malformed is taken, what is taken reads back equal, and what is refused
// changes nothing.
//
//   input := what:u8 bytes        what % 5: see LLVMFuzzerTestOneInput; 2: FillLog
#include "cluster/log.h"
#include "cluster/record.h"
#include "cluster/types.h"
#include "tests/fuzz/fuzz.h"

namespace understudy::fuzz {
namespace {

using namespace cluster;

std::string Crc(std::string_view bytes) {
  uint32_t crc = Crc32c(bytes);
  Check(crc == Crc32cPortable(bytes), "the checksum depends on the CPU");
  std::string text;
  for (int i = 0; i < 4; ++i) text.push_back(static_cast<char>(crc >> (8 * i)));
  return text;
}

// size:u8 body, again and again, as records with the right checksum: behind it are the readers that
// random bytes never reach.
std::string Sealed(std::string_view bodies) {
  std::string records;
  Choices choices(reinterpret_cast<const uint8_t*>(bodies.data()), bodies.size());
  while (!choices.rest().empty()) {
    std::string_view body = choices.Bytes(choices.Byte());
    records += static_cast<char>(body.size());
    records += std::string(3, '\0') + Crc(body);
    records += body;
  }
  return records;
}

void ReadRecords(std::string_view bytes) {
  while (true) {
    EntryView entry, unverified;
    size_t size = 0, unverified_size = 0;
    RecordStatus status = ReadRecord(bytes, &entry, &size);
    RecordStatus without = ReadRecord(bytes, &unverified, &unverified_size, false);
    Check(size == unverified_size && size <= bytes.size(), "a record longer than its bytes");
    if (status != RecordStatus::kOk) return;
    Check(without == RecordStatus::kOk && unverified.index == entry.index, "verifying changes it");
    std::string again;
    AppendRecord(&again, entry);
    EntryView read;
    size_t again_size = 0;
    Check(ReadRecord(again, &read, &again_size) == RecordStatus::kOk && again_size == again.size(),
          "a record that was read can't be written");
    Check(read.cluster == entry.cluster && read.term == entry.term && read.index == entry.index &&
              read.time_ms == entry.time_ms && read.type == entry.type &&
              read.payload == entry.payload,
          "a record reads back as another");
    bytes.remove_prefix(size);
  }
}

std::string Show(const Log& log) {
  std::string text = std::to_string(log.base_index()) + "/" + std::to_string(log.last_index()) +
                     "/" + std::to_string(log.last_term()) + "/" + std::to_string(log.bytes());
  size_t bytes = 0;
  Index next = log.first_index();
  log.ForEach(0, log.last_index(), [&](const EntryView& entry) {
    Check(entry.index == next && entry.term == log.TermAt(next), "the log isn't contiguous");
    ++next;
    text += " " + std::to_string(entry.term) + ":" + std::string(entry.payload);
  });
  Check(next == log.last_index() + 1, "entries are missing");
  for (Index from = log.first_index(), last = 0; from <= log.last_index(); from = last + 1) {
    bytes += log.Range(from, 50, &last).size();
  }
  Check(bytes == log.bytes(), "ranges don't make up the log");
  return text;
}

void FillLog(std::string_view bytes) {
  Log log(1);
  log.Append(1, 1, EntryType::kNormal, "first");
  Choices choices(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  while (!choices.rest().empty()) {
    uint8_t what = choices.Byte();
    std::string before = Show(log);
    if (what < 32) {
      log.TruncateAfter(log.base_index() + what % (log.last_index() - log.base_index() + 1));
    } else if (what < 40) {
      log.DropUpTo(log.base_index() + what % 8);
    } else {
      bool taken = log.AppendRecords(Sealed(choices.Bytes(what - 40u)));
      Check(taken || Show(log) == before, "a refused batch left something behind");
    }
    Show(log);
  }
}

template <typename State>
void DecodeState(std::string_view bytes) {
  State state;
  if (!State::Decode(bytes, &state)) {
    Check(state == State(), "damaged bytes changed the state");
    return;
  }
  State again;
  Check(State::Decode(state.Encode(), &again) && again == state, "it reads back as another");
}

}  // namespace

std::vector<std::string> Seeds() {
  std::string record;
  AppendRecord(&record, {1, 1, 1, 1700000000000, EntryType::kNormal, "payload"});
  AppendRecord(&record, {1, 2, 2, 1700000000001, EntryType::kEmpty, ""});
  const std::string body = std::string("\x07\x01\x01\x02\x01\x01hi", 8);
  const std::string body3 = std::string("\x06\x01\x02\x03\x01\x00x", 7);
  LockState state;
  state.term = 300;
  state.granted_to = NodeId(40, 'a');
  state.promised_nothing = true;
  state.configuration.members = {{"a", "one", "h:1", MemberInfo::Kind::kVoter},
                                 {"b", "two", "h:2", MemberInfo::Kind::kLearner}};
  std::string encoded = state.Encode();
  const std::string body3_term1 = std::string("\x06\x01\x01\x03\x01\x00x", 7);
  const std::string batch = static_cast<char>(40 + body.size() + body3.size()) + body + body3;
  const std::string batch_of_one_term =
      static_cast<char>(40 + body.size() + body3_term1.size()) + body + body3_term1;
  // The third entry makes the first two be taken back.
  const std::string refused =
      static_cast<char>(40 + body.size() + 2 * body3.size()) + body + body3 + body3;
  return {std::string(1, '\0') + record,
          "\1" + body + body3,
          "\2" + batch,
          "\2" + batch + "\1" + batch + "\x21" + batch + "\x22" + batch,
          "\2" + refused + batch_of_one_term + "\1" + batch,
          "\3" + encoded.substr(0, encoded.size() - 4),
          "\4" + state.configuration.Encode()};
}

}  // namespace understudy::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace understudy::fuzz;
  Choices choices(data, size);
  uint8_t what = choices.Byte() % 5;
  std::string_view bytes = choices.rest();
  switch (what) {
    case 0:
      ReadRecords(bytes);
      break;
    case 1:
      ReadRecords(Sealed(bytes));
      break;
    case 2:
      FillLog(bytes);
      break;
    case 3:
      DecodeState<LockState>(bytes);
      DecodeState<LockState>(std::string(bytes) + Crc(bytes));
      break;
    default:
      DecodeState<Configuration>(bytes);
  }
  return 0;
}
