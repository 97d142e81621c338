// Updates: whatever is read as effects is written back as effects that read the same; anything else
// stops the reader for good.
#include "targets/effect.h"
#include "tests/fuzz/fuzz.h"

namespace understudy::fuzz {
namespace {

using namespace targets;

struct Effect {
  int db;
  std::vector<std::string> args;
  bool operator==(const Effect&) const = default;
};

std::vector<Effect> Read(std::string_view update, bool* ok) {
  EffectReader reader(update);
  std::vector<Effect> effects;
  std::vector<std::string_view> args;
  int db = 0;
  while (reader.Next(&db, &args)) {
    Check(db >= 0 && !args.empty(), "an effect without a command");
    for (std::string_view arg : args) {
      Check(arg.data() >= update.data() && arg.data() + arg.size() <= update.data() + update.size(),
            "an argument outside of the update");
    }
    effects.push_back({db, {args.begin(), args.end()}});
  }
  *ok = reader.ok();
  Check(!reader.Next(&db, &args) && reader.ok() == *ok, "the reader goes on behind its end");
  return effects;
}

}  // namespace

std::vector<std::string> Seeds() {
  std::string update;
  EffectWriter writer(&update);
  writer.Add(0, {"set", "key", "value"});
  writer.Add(15, {"pexpireat", "key", "1700000000000"});
  writer.Add(300, {"del", std::string(200, 'k')});
  return {update, update.substr(3), std::string("\0\1\0", 3), "\1\xff\xff\xff\xff\x0f"};
}

}  // namespace understudy::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace understudy::fuzz;
  // A block of its own, so that reading past its end is noticed.
  std::string update(reinterpret_cast<const char*>(data), size);
  update.shrink_to_fit();
  bool ok = false;
  std::vector<Effect> effects = Read(update, &ok);
  std::string again;
  EffectWriter writer(&again);
  for (const Effect& effect : effects) {
    std::vector<std::string_view> args(effect.args.begin(), effect.args.end());
    writer.Add(effect.db, args);
  }
  Check(writer.count() == effects.size(), "the writer miscounts");
  bool again_ok = false;
  Check(Read(again, &again_ok) == effects && again_ok, "effects read back as others");
  Check(!ok || again.size() <= update.size(), "the writer's form isn't the shortest");
  return 0;
}
