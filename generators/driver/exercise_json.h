// ExerciseResult as JSON text and back: how it crosses from the child process that ran the kernel,
// and what `convc verify --format json` shows.
#pragma once

#include <nlohmann/json.hpp>

#include "generators/driver/exercise.h"

namespace convc {

nlohmann::ordered_json to_json(const ExerciseResult& result);

/// The inverse of to_json(result).dump(). Throws nlohmann::json::exception on other text.
ExerciseResult exercise_result_from(const std::string& text);

}  // namespace convc
