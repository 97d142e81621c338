#include "protocol/argument_reader.h"

#include <gtest/gtest.h>

#include <vector>

namespace understudy::protocol {
namespace {

using Args = std::vector<std::string_view>;

TEST(ArgumentReader, ReadsInOrder) {
  Args args = {"CMD", "key", "-5", "2.5", "withvalues"};
  ArgumentReader in(args);
  EXPECT_EQ(in.position(), 1u);
  EXPECT_EQ(in.remaining(), 4u);
  EXPECT_EQ(in.Text(), "key");
  EXPECT_EQ(in.Integer(), -5);
  EXPECT_EQ(in.Double(), 2.5);
  EXPECT_EQ(in.Peek(), "withvalues");
  EXPECT_FALSE(in.AtEnd());
  EXPECT_FALSE(in.Keyword("LIMIT"));
  EXPECT_TRUE(in.Keyword("WITHVALUES"));
  EXPECT_TRUE(in.AtEnd());
  EXPECT_EQ(in.Peek(), "");
  EXPECT_FALSE(in.Keyword(""));
  in.ExpectEnd();
  EXPECT_FALSE(in.failed());
}

TEST(ArgumentReader, TheFirstErrorStays) {
  Args args = {"CMD", "x", "1.5", "5"};
  ArgumentReader in(args);
  EXPECT_EQ(in.Integer(), 0);
  EXPECT_TRUE(in.failed());
  EXPECT_EQ(in.error(), "ERR value is not an integer or out of range");
  EXPECT_EQ(in.Double("ERR other"), 0);
  EXPECT_EQ(in.Integer(), 0);
  EXPECT_EQ(in.Text(), "");
  EXPECT_FALSE(in.Keyword("5"));
  in.SyntaxError();
  in.ExpectEnd();
  EXPECT_TRUE(in.AtEnd());
  EXPECT_EQ(in.error(), "ERR value is not an integer or out of range");
}

TEST(ArgumentReader, ErrorsOfTheCaller) {
  Args args = {"CMD", "x"};
  ArgumentReader integer(args);
  integer.Integer("ERR invalid cursor");
  EXPECT_EQ(integer.error(), "ERR invalid cursor");
  ArgumentReader floating(args);
  floating.Double();
  EXPECT_EQ(floating.error(), "ERR value is not a valid float");
  ArgumentReader own(args);
  own.Fail("ERR bad thing");
  EXPECT_EQ(own.error(), "ERR bad thing");
}

TEST(ArgumentReader, TheEndIsASyntaxError) {
  Args args = {"CMD"};
  for (int way = 0; way < 3; ++way) {
    ArgumentReader in(args);
    EXPECT_TRUE(in.AtEnd());
    if (way == 0) {
      EXPECT_EQ(in.Text(), "");
    } else if (way == 1) {
      EXPECT_EQ(in.Integer(), 0);
    } else {
      EXPECT_EQ(in.Double(), 0);
    }
    EXPECT_EQ(in.error(), "ERR syntax error");
  }
  ArgumentReader behind(args, 5);
  EXPECT_EQ(behind.remaining(), 0u);
  EXPECT_EQ(behind.Peek(), "");
  Args more = {"CMD", "rest"};
  ArgumentReader in(more);
  in.ExpectEnd();
  EXPECT_EQ(in.error(), "ERR syntax error");
}

TEST(ArgumentReader, OptionNeedsItsValues) {
  Args args = {"CMD", "limit", "1", "2"};
  ArgumentReader in(args);
  EXPECT_FALSE(in.Option("LIMIT", 3));
  EXPECT_EQ(in.position(), 1u);
  EXPECT_TRUE(in.Option("LIMIT", 2));
  EXPECT_EQ(in.Integer(), 1);
  EXPECT_FALSE(in.Option("2", 1));
  EXPECT_TRUE(in.Option("2", 0));
  EXPECT_FALSE(in.failed());
}

}  // namespace
}  // namespace understudy::protocol
