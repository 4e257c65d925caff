# The demo parent, made through the API like any other, and the lines to try out. Sourced after common.sh.
# shellcheck shell=bash

# demo_address api|admin: host and port to call, as var/env or the settings say; or as demo_api and demo_admin do, for a
# script that asks often.
demo_address() {
  local -r known=demo_$1
  local address=${!known:-}
  if [[ -z $address ]]; then
    address=$(build/lexicraft config get "$1.listen")
  fi
  # An address that means "all of them" is not one to call.
  printf '%s' "${address/#0.0.0.0:/127.0.0.1:}"
}

# demo_call METHOD PATH [BODY [TOKEN [KEY]]]: call the API, print the answer's body; fails on a status of 400 or more. What
# must happen once has an Idempotency-Key.
demo_call() {
  local -a options=(-s --fail-with-body -X "$1" -H 'Accept: application/json')
  if [[ -n ${3:-} ]]; then
    options+=(-H 'Content-Type: application/json' --data-binary "$3")
  fi
  if [[ -n ${5:-} ]]; then
    options+=(-H "Idempotency-Key: $5")
  fi
  if [[ -n ${4:-} ]]; then
    # On standard input: the arguments of a process are visible to every user of the machine.
    curl "${options[@]}" -K - "http://$(demo_address api)$2" <<<"header = \"Authorization: Bearer $4\""
  else
    curl "${options[@]}" "http://$(demo_address api)$2"
  fi
}

# demo_login: the demo parent's user id and access token. Its e-mail address and password are random and kept in var/demo,
# so that no database ever has a parent whose password stands in this repository.
demo_login() {
  local credentials session
  if [[ ! -s var/demo ]]; then
    (umask 077 && jq -n --arg email "demo-$(random_text 6)@lexicraft.example" --arg password "$(random_text 18)" \
      '{email: $email, password: $password}' >var/demo)
  fi
  credentials=$(<var/demo)
  session=$(demo_call POST /v1/sessions "$credentials") || {
    demo_call POST /v1/users "$(jq -c '. + {name: "Demo Parent"}' <<<"$credentials")" >/dev/null
    session=$(demo_call POST /v1/sessions "$credentials")
  }
  jq -r '"\(.user_id) \(.access_token)"' <<<"$session"
}

# demo_child TOKEN: the id of the demo parent's first child.
demo_child() {
  local id
  id=$(demo_call GET /v1/children '' "$1" | jq -r '.items[0].id // empty')
  if [[ -z $id ]]; then
    id=$(demo_call POST /v1/children '{"name": "Mei", "age": 9}' "$1" | jq -r .id)
  fi
  printf '%s' "$id"
}

demo_announce() {
  local user token child api
  api=http://$(demo_address api)
  read -r user token < <(demo_login) || {
    printf '\nAPI    %s\nAdmin  http://%s\n\n' "$api" "$(demo_address admin)"
    return
  }
  child=$(demo_child "$token")
  token=$(build/lexicraft token --role parent --sub "$user" --ttl 12h)
  cat <<TEXT

LexiCraft Server is running. Ctrl-C stops it.

  API    $api
  Admin  http://$(demo_address admin)   (/healthz /readyz /metrics)

Try it, in another terminal:

  curl -s $api/v1/health

  TOKEN=$token
  curl -s $api/v1/children -H "Authorization: Bearer \$TOKEN"
  curl -s "$api/v1/learning-points?limit=3" -H "Authorization: Bearer \$TOKEN"
  curl -s -X POST $api/v1/children/$child/progress -H "Authorization: Bearer \$TOKEN" \\
    -H 'Content-Type: application/json' -d '{"learning_point_id": "apple.n.1"}'
  curl -s "$api/v1/children/$child/verifications?due=true" -H "Authorization: Bearer \$TOKEN"

  script/demo      a month of one child's learning, step by step (all of it with LEXICRAFT_TEST_CLOCK=1)
  lua/rules/       change a number there and save: the next request knows

TEXT
}
