#include "server/long_command.h"

#include <gtest/gtest.h>

#include <string>

namespace understudy::server {
namespace {

using std::chrono::milliseconds;

// What the two threads would both change, without any lock of its own.
struct Watched {
  std::string done;
  LongCommand command{milliseconds(2), {[this] { done += 'k'; }, [this] { done += 'g'; }}};
};

TEST(LongCommandTest, ShortCommandsAreLeftAlone) {
  Watched watched;
  watched.command.set_limit(milliseconds(100000));
  for (int i = 0; i < 100000; ++i) {
    watched.command.Begin();
    watched.command.End();
  }
  EXPECT_FALSE(watched.command.let_go());
}

TEST(LongCommandTest, KeepsTheLockUntilTheLimitThenLetsGoOnce) {
  Watched watched;
  watched.command.set_limit(milliseconds(50));
  watched.command.Begin();
  std::this_thread::sleep_for(milliseconds(400));
  watched.command.End();
  EXPECT_TRUE(watched.command.let_go());
  ASSERT_FALSE(watched.done.empty());
  EXPECT_EQ(watched.done.find('g'), watched.done.size() - 1) << watched.done;
  watched.command.Begin();
  watched.command.End();
  EXPECT_FALSE(watched.command.let_go());
}

TEST(LongCommandTest, TheThreadIsOutWhenACommandHasEnded) {
  Watched watched;
  watched.command.set_limit(milliseconds(100000));
  for (int i = 0; i < 100; ++i) {
    watched.command.Begin();
    std::this_thread::sleep_for(milliseconds(5));
    watched.command.End();
    const size_t before = watched.done.size();  // a race, if the thread were inside
    std::this_thread::sleep_for(milliseconds(3));
    EXPECT_EQ(watched.done.size(), before);
  }
  EXPECT_EQ(watched.done.find('g'), std::string::npos);
}

}  // namespace
}  // namespace understudy::server
