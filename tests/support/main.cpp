// The main function of the test programs. --file=NAME: only the tests of NAME.cpp, of which there has to be one; --gtest_filter
// has no say then.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <string_view>

namespace {

// The tests of `file` as a filter; empty if there are none.
std::string tests_of(const std::string& file) {
  std::string filter;
  const auto& all = *::testing::UnitTest::GetInstance();
  for (int s = 0; s < all.total_test_suite_count(); ++s) {
    const auto& suite = *all.GetTestSuite(s);
    for (int t = 0; t < suite.total_test_count(); ++t) {
      const auto& test = *suite.GetTestInfo(t);
      if (!std::string_view(test.file()).ends_with("/" + file)) continue;
      if (!filter.empty()) filter += ':';
      filter.append(suite.name()).append(".").append(test.name());
    }
  }
  return filter;
}

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleMock(&argc, argv);
  constexpr std::string_view flag = "--file=";
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (!argument.starts_with(flag)) {
      std::fprintf(stderr, "%s: neither --file=NAME nor a flag of GoogleTest\n", argv[i]);
      return 64;
    }
    const std::string only = tests_of(std::string(argument.substr(flag.size())) + ".cpp");
    if (only.empty()) {
      std::fprintf(stderr, "%s: no test is in such a file\n", argv[i]);
      return 64;
    }
    GTEST_FLAG_SET(filter, only);
  }
  return RUN_ALL_TESTS();
}
