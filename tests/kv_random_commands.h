// Random commands for kv, for comparisons of members with each other and with a real server.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/kv_random_containers.h"
#include "tests/kv_random_types.h"

namespace understudy::targets::kv {

class RandomCommands {
 public:
  using Args = std::vector<std::string>;

  explicit RandomCommands(uint64_t seed) : random_(seed) {}

  // `now_ms`: for absolute times. `short_lives`: expiries of milliseconds; else in the far future.
  Args Next(int64_t now_ms, bool short_lives) {
    now_ms_ = now_ms;
    short_lives_ = short_lives;
    if (Below(4) == 0) return types_.Next();
    if (Below(2) == 0) return Below(40) == 0 ? containers_.Big() : containers_.Next();
    switch (Below(46)) {
      case 0:
      case 1:
      case 2:
        return Set();
      case 3:
        return {"GET", Key()};
      case 4:
        return {"SETNX", Key(), Value()};
      case 5:
        return {"SETEX", Key(), Seconds(), Value()};
      case 6:
        return {"PSETEX", Key(), Milliseconds(), Value()};
      case 7:
        return {"GETSET", Key(), Value()};
      case 8:
        return {"GETDEL", Key()};
      case 9:
        return GetEx();
      case 10:
        return Many("MGET", false);
      case 11:
        return Many("MSET", true);
      case 12:
        return Many("MSETNX", true);
      case 13:
      case 14:
        return {"APPEND", Key(), Value()};
      case 15:
        return {"STRLEN", Key()};
      case 16:
        return {Pick({"GETRANGE", "SUBSTR"}), Key(), SmallNumber(), SmallNumber()};
      case 17:
      case 18:
        return {"SETRANGE", Key(), SmallNumber(), Value()};
      case 19:
        return {Pick({"INCR", "DECR"}), Key()};
      case 20:
      case 21:
        return {Pick({"INCRBY", "DECRBY"}), Key(), Number()};
      case 22:
        return {"INCRBYFLOAT", Key(), Float()};
      case 23:
        return Many("DEL", false);
      case 24:
        return Many("UNLINK", false);
      case 25:
        return Many("EXISTS", false);
      case 26:
        return {"TYPE", Key()};
      case 27:
      case 28:
        return {Pick({"RENAME", "RENAMENX"}), Key(), Key()};
      case 29:
        return Copy();
      case 30:
        return {"MOVE", Key(), Below(8) == 0 ? SmallNumber() : std::to_string(Below(3))};
      case 31:
        return Many("TOUCH", false);
      case 32:
        return {"PERSIST", Key()};
      case 33:
        return Expire("EXPIRE", Seconds());
      case 34:
        return Expire("PEXPIRE", Milliseconds());
      case 35:
        return Expire("EXPIREAT", std::to_string(At() / 1000));
      case 36:
      case 37:
        return Expire("PEXPIREAT", std::to_string(At()));
      case 38:
        return {Pick({"EXPIRETIME", "PEXPIRETIME", "TTL"}), Key()};
      case 39:
        return {"DBSIZE"};
      case 40:
        return Below(30) == 0 ? Args{Pick({"FLUSHDB", "FLUSHALL"}), Pick({"ASYNC", "SYNC"})}
                              : Args{"OBJECT", "ENCODING", Key()};
      case 41:
        return Below(20) == 0 ? Args{"SWAPDB", std::to_string(Below(3)), SmallNumber()}
                              : Args{"OBJECT", "REFCOUNT", Key()};
      case 42:
        return {"KEYS", Pick({"*", "k*", "?1*", "k[0-4]", "nothing"})};
      case 43:
        return {"OBJECT", "ENCODING", Key()};
      case 44:
        return {"GET", Key()};
      default:
        return {"STRLEN", Key()};
    }
  }

  // As RandomContainers::set_predictable().
  void set_predictable(bool predictable) { containers_.set_predictable(predictable); }

  std::mt19937_64& engine() { return random_; }
  uint64_t Below(uint64_t limit) { return random_() % limit; }

 private:
  std::string Pick(std::initializer_list<const char*> words) {
    return *(words.begin() + Below(words.size()));
  }
  std::string Key() {
    const uint64_t choice = Below(60);
    if (choice == 0) return "";
    if (choice == 1) return std::string(300, 'L');
    if (choice < 20) return containers_.AnyKey();
    if (choice < 26) return types_.AnyKey();
    return "k" + std::to_string(Below(12));
  }
  std::string Number() {
    switch (Below(8)) {
      case 0:
        return "9223372036854775807";
      case 1:
        return "-9223372036854775808";
      case 2:
        return Pick({"abc", "", " 1", "01", "+1", "1.5", "9223372036854775808", "-0", "0"});
      default:
        return std::to_string(static_cast<int64_t>(Below(2000)) - 1000);
    }
  }
  std::string SmallNumber() {
    return Below(15) == 0 ? Number() : std::to_string(static_cast<int64_t>(Below(40)) - 8);
  }
  std::string Float() {
    return Below(4) == 0
               ? Pick({"inf", "-inf", "nan", "1e400", "abc", "", "1e17", "3.0e3", "0x10", "-0.0"})
               : std::to_string(static_cast<double>(Below(20'000)) / 8 - 1000);
  }
  std::string Value() {
    switch (Below(8)) {
      case 0:
      case 1:
        return Number();
      case 2:
        return Float();
      case 3:
        return "";
      case 4:
        return std::string(Below(200), 'v');
      case 5:
        return Below(8) == 0 ? std::string(Below(100'000), 'w') : std::string(45, 'x');
      default: {
        std::string bytes(Below(30), '\0');
        for (char& byte : bytes) byte = static_cast<char>(random_());
        return bytes;
      }
    }
  }
  int64_t Ahead() {
    if (short_lives_) return 1 + static_cast<int64_t>(Below(300));
    return 100'000'000 + static_cast<int64_t>(Below(1000)) * 1000;
  }
  int64_t At() { return Below(12) == 0 ? now_ms_ - 5000 : now_ms_ + Ahead(); }
  std::string Odd() { return Pick({"0", "-1", "abc", "9223372036854775807", ""}); }
  std::string Seconds() {
    if (Below(12) == 0) return Odd();
    return std::to_string(short_lives_ ? 1 : Ahead() / 1000);
  }
  std::string Milliseconds() { return Below(12) == 0 ? Odd() : std::to_string(Ahead()); }

  void AddTime(Args* args) {
    switch (Below(4)) {
      case 0:
        args->insert(args->end(), {Pick({"EX", "ex"}), Seconds()});
        break;
      case 1:
        args->insert(args->end(), {"PX", Milliseconds()});
        break;
      case 2:
        args->insert(args->end(), {"EXAT", std::to_string(At() / 1000)});
        break;
      default:
        args->insert(args->end(), {"PXAT", std::to_string(At())});
    }
  }
  Args Set() {
    Args args = {"SET", Key(), Value()};
    while (Below(2) == 0) {
      switch (Below(8)) {
        case 0:
          args.push_back(Pick({"NX", "nx"}));
          break;
        case 1:
          args.push_back("XX");
          break;
        case 2:
          args.push_back("GET");
          break;
        case 3:
          args.push_back("KEEPTTL");
          break;
        case 4:
          args.push_back(Pick({"PERSIST", "bad", "EX"}));
          break;
        default:
          AddTime(&args);
      }
    }
    return args;
  }
  Args GetEx() {
    Args args = {"GETEX", Key()};
    if (Below(3) == 0) return args;
    if (Below(3) == 0) {
      args.push_back(Pick({"PERSIST", "KEEPTTL", "NX"}));
      if (Below(3) != 0) return args;
    }
    AddTime(&args);
    return args;
  }
  Args Many(const char* name, bool pairs) {
    Args args = {name};
    const uint64_t count = 1 + Below(4);
    for (uint64_t i = 0; i < count; ++i) {
      args.push_back(Key());
      if (pairs && Below(20) != 0) args.push_back(Value());
    }
    if (pairs && args.size() == 2) args.push_back(Value());
    return args;
  }
  Args Copy() {
    Args args = {"COPY", Key(), Key()};
    while (Below(2) == 0) {
      if (Below(2) == 0) {
        args.push_back("REPLACE");
      } else {
        args.insert(args.end(), {"DB", Below(8) == 0 ? SmallNumber() : std::to_string(Below(3))});
      }
    }
    return args;
  }
  Args Expire(const char* name, const std::string& time) {
    Args args = {name, Key(), time};
    while (Below(3) == 0) args.push_back(Pick({"NX", "XX", "GT", "LT", "gt", "bad"}));
    return args;
  }

  std::mt19937_64 random_;
  RandomContainers containers_{&random_};
  RandomTypes types_{&random_};
  int64_t now_ms_ = 0;
  bool short_lives_ = false;
};

}  // namespace understudy::targets::kv
