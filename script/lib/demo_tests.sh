# How a child of the demo takes a test: reads the questions, knows what words mean, chooses. Sourced after demo.sh.
# shellcheck shell=bash disable=SC2034,SC2154  # script/demo shares child, device, clock_moves, given, answer, colours
#
# Nothing tells which option is right before it is chosen. What the child knows it has looked up, as a person would: the
# word, its definition, its opposites.

readonly reading_seconds=60 # of business time, for one test

declare -A looked_up=()

# know POINT: what can be known of a learning point: {word, definition, opposites}.
know() {
  local -r point=$1
  local about opposites
  if [[ -z ${looked_up[$point]:-} ]]; then
    about=$(demo_call GET "/v1/learning-points/$point" '' "$device")
    opposites=$(demo_call GET "/v1/learning-points/$point/relationships?type=OPPOSITE_OF" '' "$device")
    looked_up[$point]=$(jq -nc --argjson about "$about" --argjson opposites "$opposites" \
      '{word: $about.word, definition: $about.definition, opposites: [$opposites.items[].learning_point.word]}')
  fi
  knowledge=${looked_up[$point]}
}

# print_questions TEST: for a person to read.
print_questions() {
  jq -r '.questions[]
    | (if .type == "meaning" then "What does \"\(.prompt)\" mean?"
       elif .type == "opposite" then "What is the opposite of \"\(.prompt)\"?"
       elif .type == "word" then "Which word means: \(.prompt)?"
       else "What goes into the gap: \(.prompt)" end),
      (.options | to_entries[] | "  \("abcdef"[.key:.key + 1])) \(.value.text)"), ""' <<<"$1" | sed 's/^./      &/'
}

# choose TEST KNOWS: the answers of a child that knows the point (true), or does not (false).
choose() {
  jq -c --argjson point "$knowledge" --argjson knows "$2" '
    def tidy: ascii_downcase | gsub("\\s+"; " ") | sub("[ .;:,!]+$"; "");
    {answers: [.questions | to_entries[] | .key as $n | .value
      | (if .type == "meaning" then [$point.definition] elif .type == "opposite" then $point.opposites
         else [$point.word] end | map(tidy)) as $meant
      | (.options | map(select(.text | tidy | IN($meant[])))[0].id) as $right
      | (.options | map(select(.text == "I don\u0027t know"))[0].id) as $unknown
      | {question_id: .id,
         option_id: (if $knows then $right // $unknown elif $n == 0 then $unknown
                     else (.options | map(.id) - [$right, $unknown])[0] end)}]}' <<<"$1"
}

# print_answers ANSWERED: what was chosen, and what would have been right.
print_answers() {
  jq -r --arg good "$green" --arg bad "$red" --arg plain "$plain" '.questions[]
    | (.options | map({(.id): .text}) | add) as $text
    | if .is_right then "\($good)right\($plain)   \($text[.chosen_option_id])"
      else "\($bad)wrong\($plain)   \($text[.chosen_option_id]); right was: \($text[.right_option_id])" end' <<<"$1" |
    sed 's/^/      /'
}

# print_outcome ANSWERED: on one line what a test led to, and a line for each bonus.
print_outcome() {
  jq -r --arg good "$green" --arg bad "$red" --arg plain "$plain" '.outcome | .verification as $test
    | ([.transactions[] | select(.transaction_type != "bonus") | "\(.transaction_type) \(.points)"] | join(", ")) as $moves
    | ((if $test.passed then "\($good)passed\($plain)" else "\($bad)failed\($plain)" end)
       + "  day \($test.test_day) of \($test.learning_point_id)"
       + (if $moves == "" then "" else ": \($moves)" end)
       + (if .progress.status == "verified" and $test.passed then " — now it is known" else "" end)
       + (if .progress.status == "failed" then " — the point is lost" else "" end)),
      (.discoveries[] | "  discovered: \(.source_learning_point_id) \(.relationship_type) \(.target_learning_point_id)"),
      (.bonuses[] | "  bonus: \(.bonus_type)\(if .refusal then " held back (\(.refusal))"
        elif .points then ", \($good)\(.points) points\($plain)" else "" end)")' <<<"$1" | sed 's/^/      /'
}

# take_test TEST POINT KNOWS: start, read, answer; the last answer is in `answer`.
take_test() {
  local -r path=/v1/children/$child/verifications/$1
  local test
  know "$2"
  test=$(demo_call POST "$path/start" '' "$device")
  read_questions
  given=$(choose "$test" "$3")
  answer=$(demo_call POST "$path/answers" "$given" "$device")
}

# Time passes while the child reads: business time, if it can be moved.
read_questions() {
  if $clock_moves; then
    advance "$reading_seconds" >/dev/null
  fi
}

# advance SECONDS: move business time; fails when the test clock is off. Prints {"now": …}.
advance() {
  curl -fs -X POST "http://$(demo_address admin)/clock" -H 'Content-Type: application/json' \
    --data-binary "{\"advance_seconds\":$1}"
}
