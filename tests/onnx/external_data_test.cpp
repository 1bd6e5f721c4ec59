// Weights in files beside the model: only those in its folder are read.
#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <functional>

#include "tests/onnx/model.h"

namespace convc::test {
namespace {

namespace fs = std::filesystem;

// A folder with model.onnx, whose weights, (1, 1, 2), are external.
class Folder {
 public:
  explicit Folder(const std::string& name) : path_(scratch("external_" + name)) {
    fs::remove_all(path_);
    fs::create_directories(path_ + "/inside");
    const float numbers[] = {9, 1, 2, 3};
    data_.assign(reinterpret_cast<const char*>(numbers), sizeof numbers);
    write_bytes(path_ + "/weights.bin", data_);
    write_bytes(path_ + "/inside/weights.bin", data_);
    write_bytes(scratch("outside.bin"), data_);
  }

  Loaded load(const std::string& location, const std::string& offset = "4",
              const std::string& length = "8") const {
    ModelMaker model;
    model.input("x", {1, 1, 4});
    onnx::TensorProto* weights = model.model.mutable_graph()->add_initializer();
    weights->set_name("w");
    weights->set_data_type(onnx::TensorProto::FLOAT);
    for (const int size : {1, 1, 2}) weights->add_dims(size);
    weights->set_data_location(onnx::TensorProto::EXTERNAL);
    const auto add = [&](const char* key, const std::string& value) {
      if (value.empty()) return;
      onnx::StringStringEntryProto* entry = weights->add_external_data();
      entry->set_key(key);
      entry->set_value(value);
    };
    add("location", location);
    add("offset", offset);
    add("length", length);
    add("checksum", "0");
    model.node("Conv", {"x", "w"}, {"y"});
    model.output("y");
    write_bytes(path_ + "/model.onnx", model.bytes());
    return load_path(path_ + "/model.onnx");
  }

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_, data_;
};

void check_refused(const Loaded& loaded, const std::string& folder, const std::string& why) {
  CHECK_FALSE(loaded.module);
  CHECK(loaded.text ==
        "external_" + folder + "/model.onnx: error: initializer \"w\" has " + why + " [E080]\n");
}

}  // namespace

TEST_CASE("external data in the model's folder") {
  const Folder folder("good");
  for (const char* location : {"weights.bin", "inside/weights.bin", "./weights.bin"}) {
    const Loaded loaded = folder.load(location);
    INFO(loaded.text);
    REQUIRE(loaded.module);
    CHECK(loaded.layer().kernel->values == std::vector<float>{1, 2});
  }
  CHECK(folder.load("weights.bin", "8", "").layer().kernel->values == std::vector<float>{2, 3});
  fs::create_symlink("inside/weights.bin", folder.path() + "/link");
  CHECK(folder.load("link").module);
}

TEST_CASE("external data elsewhere is refused") {
  const Folder folder("bad");
  const auto check = [&](const std::string& location, const std::string& why) {
    check_refused(folder.load(location), "bad", "its data in \"" + location + "\", " + why);
  };
  const std::string out = "a path out of the model's folder; only files in it are read";
  check("../outside.bin", out);
  check("inside/../../outside.bin", out);
  check("", "which is not a file name");
  check("absent.bin", "which cannot be read: No such file or directory");
  check("inside", "which is not a file");
  const std::string link = "a link out of the model's folder; only files in it are read";
  fs::create_symlink("../outside.bin", folder.path() + "/link");
  check("link", link);
  fs::create_symlink("..", folder.path() + "/folder");
  check("folder/outside.bin", link);
  check("/outside.bin", "an absolute path; only files in the model's folder are read");
}

TEST_CASE("external data whose file name has a zero byte") {
  const Folder folder("zero");
  check_refused(folder.load(std::string("weights.bin\0x", 13)), "zero",
                "its data in \"weights.bin?x\", which is not a file name");
}

TEST_CASE("external data that is not what the tensor needs") {
  const Folder folder("short");
  const auto check = [&](const std::string& offset, const std::string& length,
                         const std::string& why) {
    check_refused(folder.load("weights.bin", offset, length), "short", why);
  };
  const std::string beyond = "its data beyond the end of \"weights.bin\", which has 16 bytes";
  check("12", "8", beyond);
  check("18446744073709551615", "8", beyond);
  check("0", "12", "12 bytes of data in \"weights.bin\" instead of 8");
  check("0", "", "16 bytes of data in \"weights.bin\" instead of 8");
  check("-4", "8", "external data whose offset is not a number");
  check("0", "8x", "external data whose length is not a number");
}

}  // namespace convc::test
