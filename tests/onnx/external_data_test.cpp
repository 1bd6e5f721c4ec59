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

void check_refused(const Loaded& loaded, const std::string& why) {
  CHECK_FALSE(loaded.module);
  INFO(loaded.text);
  CHECK(loaded.text.find("model.onnx: error: initializer \"w\" has ") != std::string::npos);
  CHECK(loaded.text.find(why) != std::string::npos);
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
  check_refused(folder.load("../outside.bin"), "a path out of the model's folder");
  check_refused(folder.load("inside/../../outside.bin"), "a path out of the model's folder");
  check_refused(folder.load(scratch("outside.bin")), "an absolute path");
  check_refused(folder.load(""), "which is not a file name");
  check_refused(folder.load(std::string("weights.bin\0x", 13)), "which is not a file name");
  check_refused(folder.load("absent.bin"), "which cannot be read");
  check_refused(folder.load("inside"), "which is not a file");
  fs::create_symlink("../outside.bin", folder.path() + "/link");
  check_refused(folder.load("link"), "a link out of the model's folder");
  fs::create_symlink("..", folder.path() + "/folder");
  check_refused(folder.load("folder/outside.bin"), "a link out of the model's folder");
}

TEST_CASE("external data that is not what the tensor needs") {
  const Folder folder("short");
  check_refused(folder.load("weights.bin", "12"), "beyond the end");
  check_refused(folder.load("weights.bin", "18446744073709551615"), "beyond the end");
  check_refused(folder.load("weights.bin", "0", "12"), "12 bytes of data in");
  check_refused(folder.load("weights.bin", "0", ""), "16 bytes of data in");
  check_refused(folder.load("weights.bin", "-4"), "whose offset is not a number");
  check_refused(folder.load("weights.bin", "0", "8x"), "whose length is not a number");
}

}  // namespace convc::test
