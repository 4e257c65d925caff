local people = require "tools.import.people"

describe("passwords that move in:", function()
  local SALT_AND_HASH = "$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"

  it("a hash by Argon2 is kept", function()
    for _, costs in ipairs { "m=65536,t=2,p=1", "m=102400,t=2,p=8", "m=262144,t=3,p=1" } do
      assert.is_true(people.is_usable_hash("$argon2id$v=19$" .. costs .. SALT_AND_HASH), costs)
    end
  end)

  it("any other one is not", function()
    for _, hash in ipairs {
      "", "!", "secret", "$2b$12$KIXQ4S8bq1Zr1f0oX1f0oeu1Zr1f0oX1f0oeu1Zr1f0oX1f0oeu1Z", "$argon2id$v=19$m=1$x",
      "$argon2id$v=19$m=4194304,t=3,p=1" .. SALT_AND_HASH, "$argon2id$v=19$m=65536,t=4000000000,p=1" .. SALT_AND_HASH,
      "$argon2id$v=19$m=65536,t=3,p=0" .. SALT_AND_HASH, "$argon2id$v=19$m=65536,t=" .. ("9"):rep(40) .. ",p=1" .. SALT_AND_HASH,
      "$argon2id$v=16$m=65536,t=2,p=1" .. SALT_AND_HASH,
      "$argon2id$v=19$m=65536,t=2,p=1" .. SALT_AND_HASH:rep(4),
    } do
      assert.is_false(people.is_usable_hash(hash))
    end
  end)
end)
