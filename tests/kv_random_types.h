// Random commands on streams and their groups, on HyperLogLogs and on positions, for comparisons of
// members with each other and with a real server.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>
#include <vector>

namespace understudy::targets::kv {

class RandomTypes {
 public:
  using Args = std::vector<std::string>;

  explicit RandomTypes(std::mt19937_64* random) : random_(*random) {}

  Args Next() {
    switch (Below(9)) {
      case 0:
        return HyperLogLog();
      case 1:
        return Geo();
      case 2:
      case 3:
      case 4:
        return Entries();
      default:
        return Groups();
    }
  }
  // Of a stream or a HyperLogLog; mostly of that kind: x, p.
  std::string Key(char kind) {
    if (Below(15) == 0) kind = "xpzl"[Below(4)];
    return std::string(1, kind) + std::to_string(Below(3));
  }
  std::string AnyKey() { return Key("xp"[Below(2)]); }

 private:
  uint64_t Below(uint64_t limit) { return random_() % limit; }
  std::string Pick(std::initializer_list<const char*> words) {
    return *(words.begin() + Below(words.size()));
  }
  std::string Count() {
    if (Below(15) == 0) return Pick({"0", "-1", "x", "9223372036854775807"});
    return std::to_string(1 + Below(6));
  }
  std::string Id() {
    switch (Below(14)) {
      case 0:
        return Pick({"-", "+", "(5-1", "0", "18446744073709551615-18446744073709551615", "x", "1-x",
                     "5-*", "$", ">", "01-1", "1-", "-1", "(+", "(0-0", ""});
      case 1:
      case 2:
        return std::to_string(Below(60));
      default:
        return std::to_string(Below(60)) + "-" + std::to_string(Below(4));
    }
  }
  std::string NewId() {
    newest_ += Below(3) == 0;
    switch (Below(10)) {
      case 0:
        return Below(20) == 0 ? Id() : "*";
      case 1:
      case 2:
      case 3:
        return std::to_string(newest_) + "-*";
      default:
        return std::to_string(newest_) + "-" + std::to_string(Below(50));
    }
  }
  std::string Value() {
    switch (Below(8)) {
      case 0:
        return std::string(Below(200), 'v');
      case 1:
        return Pick({"", "-0", "007", "9223372036854775807", "-5", "1.5"});
      case 2:
        return Below(20) == 0 ? std::string(Below(20'000), 'V') : "y";
      default:
        return std::to_string(Below(100'000));
    }
  }
  void AddFields(Args* args) {
    for (uint64_t count = 1 + Below(Below(3) == 0 ? 4 : 2); count > 0; --count) {
      args->push_back(Below(4) == 0 ? "other" : "field" + std::to_string(count));
      if (Below(60) != 0) args->push_back(Value());
    }
  }
  void AddIds(Args* args) {
    for (uint64_t count = 1 + Below(4); count > 0; --count) args->push_back(Id());
  }
  void AddTrim(Args* args) {
    const bool by_length = Below(2) == 0;
    args->push_back(by_length ? "MAXLEN" : "MINID");
    if (Below(3) != 0) args->push_back(Pick({"~", "=", "~"}));
    args->push_back(by_length ? std::to_string(Below(40)) : Id());
    if (Below(3) == 0) args->insert(args->end(), {"LIMIT", std::to_string(Below(20))});
  }
  std::string Group() { return "g" + std::to_string(Below(3)); }
  std::string Consumer() { return "c" + std::to_string(Below(3)); }

  Args Entries() {
    switch (Below(16)) {
      case 0:
        return {Pick({"XRANGE", "XREVRANGE"}), Key('x'), Id(), Id(), "COUNT", Count()};
      case 1:
        return {"XRANGE", Key('x'), "-", "+"};
      case 2: {
        Args args = {"XDEL", Key('x')};
        AddIds(&args);
        return args;
      }
      case 3: {
        Args args = {"XTRIM", Key('x')};
        AddTrim(&args);
        return args;
      }
      case 4: {
        if (Below(4) != 0) return {"XLEN", Key('x')};
        Args args = {"XSETID", Key('x'), Id()};
        if (Below(3) == 0) args.insert(args.end(), {"ENTRIESADDED", Count()});
        if (Below(3) == 0) args.insert(args.end(), {"MAXDELETEDID", Id()});
        return args;
      }
      case 5:
        return {"XREAD", "COUNT", Count(), "STREAMS", Key('x'), Key('x'), Id(), Id()};
      default: {
        Args args = {"XADD", Key('x')};
        if (Below(20) == 0) args.push_back("NOMKSTREAM");
        if (Below(6) == 0) AddTrim(&args);
        args.push_back(NewId());
        AddFields(&args);
        return args;
      }
    }
  }

  Args Claim() {
    Args args = {"XCLAIM", Key('x'), Group(), Consumer(), Pick({"0", "0", "10", "x", "-1"})};
    AddIds(&args);
    if (Below(3) == 0) args.push_back("FORCE");
    if (Below(3) == 0) args.push_back("JUSTID");
    if (Below(3) == 0) args.insert(args.end(), {"RETRYCOUNT", Count()});
    if (Below(4) == 0) args.insert(args.end(), {Pick({"IDLE", "TIME"}), Count()});
    if (Below(5) == 0) args.insert(args.end(), {"LASTID", Id()});
    return args;
  }

  Args Groups() {
    switch (Below(20)) {
      case 0:
      case 1: {
        Args args = {"XGROUP", "CREATE", Key('x'), Group(), Pick({"0", "$", "5-0"})};
        if (Below(2) == 0) args.push_back("MKSTREAM");
        if (Below(4) == 0) args.insert(args.end(), {"ENTRIESREAD", Count()});
        return args;
      }
      case 2: {
        Args args = {"XGROUP", "SETID", Key('x'), Group(), Below(2) == 0 ? "0" : Id()};
        if (Below(3) == 0) args.insert(args.end(), {"ENTRIESREAD", Count()});
        return args;
      }
      case 3:
        return {"XGROUP", Pick({"CREATECONSUMER", "DELCONSUMER"}), Key('x'), Group(), Consumer()};
      case 4:
        return Below(5) == 0 ? Args{"XGROUP", "DESTROY", Key('x'), Group()}
                             : Args{"XINFO", "GROUPS", Key('x')};
      case 5:
      case 6:
      case 7: {
        Args args = {"XACK", Key('x'), Group()};
        AddIds(&args);
        return args;
      }
      case 8:
        return {"XPENDING", Key('x'), Group()};
      case 9: {
        Args args = {"XPENDING", Key('x'), Group(), "IDLE", "0", "-", "+", Count()};
        if (Below(2) == 0) args.push_back(Consumer());
        return args;
      }
      case 10:
      case 11:
      case 12:
        return Claim();
      case 13: {
        Args args = {"XAUTOCLAIM", Key('x'), Group(), Consumer(), "0", Id(), "COUNT", Count()};
        if (Below(3) == 0) args.push_back("JUSTID");
        return args;
      }
      case 14:
        return {"XINFO", "STREAM", Key('x'), "FULL", "COUNT", Count()};
      default: {
        Args args = {"XREADGROUP", "GROUP", Group(), Consumer(), "COUNT", Count()};
        if (Below(4) == 0) args.push_back("NOACK");
        args.insert(args.end(), {"STREAMS", Key('x'), Below(4) == 0 ? Id() : ">"});
        return args;
      }
    }
  }

  Args HyperLogLog() {
    switch (Below(8)) {
      case 0:
        return {"PFCOUNT", Key('p')};
      case 1:
        return {"PFCOUNT", Key('p'), Key('p')};
      case 2:
        return {"PFMERGE", Key('p'), Key('p'), Key('p')};
      case 3:
        return {"PFDEBUG", Pick({"ENCODING", "DECODE", "ENCODING", "TODENSE"}), Key('p')};
      default: {
        Args args = {"PFADD", Key('p')};
        const uint64_t count = Below(Below(20) == 0 ? 400 : 6);
        for (uint64_t i = 0; i < count; ++i) args.push_back("e" + std::to_string(Below(5000)));
        return args;
      }
    }
  }

  std::string Longitude() {
    return Below(20) == 0 ? Pick({"180", "-180", "181", "x"})
                          : std::to_string(static_cast<double>(Below(36'000)) / 100 - 180);
  }
  std::string Latitude() {
    return Below(20) == 0 ? Pick({"85.05112878", "86", "0"})
                          : std::to_string(static_cast<double>(Below(17'000)) / 100 - 85);
  }
  std::string Place() { return "place" + std::to_string(Below(40)); }
  Args Geo() {
    switch (Below(6)) {
      case 0:
        return {"GEOSEARCH", Key('z'), "FROMMEMBER", Place(), "BYRADIUS", "3000", "km", "ASC"};
      case 1:
        return {"GEOSEARCHSTORE", Key('z'), Key('z'), "FROMLONLAT", Longitude(), Latitude(),
                "BYBOX",          "9000",   "5000",   "km",         "COUNT",     Count()};
      case 2:
        return {"GEORADIUSBYMEMBER",          Key('z'), Place(), "4000", "mi",
                Pick({"STORE", "STOREDIST"}), Key('z')};
      default: {
        Args args = {"GEOADD", Key('z')};
        if (Below(3) == 0) args.push_back(Pick({"NX", "XX", "CH"}));
        for (uint64_t count = 1 + Below(4); count > 0; --count) {
          args.insert(args.end(), {Longitude(), Latitude(), Place()});
        }
        return args;
      }
    }
  }

  std::mt19937_64& random_;
  uint64_t newest_ = 1;
};

}  // namespace understudy::targets::kv
