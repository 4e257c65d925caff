local world = require "spec.support.world"
local auth = require "auth"
local config = require "config"
local db = require "db"

describe("actions/sessions, actions/passwords and actions/devices", function()
  local devices = require "actions.devices"
  local passwords = require "actions.passwords"
  local sessions = require "actions.sessions"
  local users = require "actions.users"
  local user, email

  before_each(function()
    world.begin()
    email = world.unique("p") .. "@example.org"
    local password_hash = auth.hash_password("a long password")
    user = assert(db.transaction(function(tx)
      return users.sign_up(tx, { email = email }, password_hash)
    end))
  end)
  after_each(world.finish)

  local function log_in()
    return assert(sessions.log_in(email, "a long password", world.unique("address")))
  end

  it("names the session in the access token and never its secret", function()
    local session = log_in()
    local id, secret = session.refresh_token:match("^(.*)%.(.*)$")
    local claims = auth.verify_token(session.access_token)
    assert.are.same({ id, user.id, "parent" }, { claims.sid, claims.sub, claims.role })
    assert.are.equal(auth.sha256(secret), db.one("select secret_hash from sessions where id = $1", id).secret_hash)
  end)

  it("gives each refresh token one use", function()
    local first = log_in().refresh_token
    local second = assert(sessions.refresh(first, "192.0.2.9")).refresh_token
    assert.are.equal("invalid_credentials", select(2, sessions.refresh(first, "192.0.2.9")).code)
    assert.are.equal("invalid_credentials", select(2, sessions.refresh(second, "192.0.2.9")).code)
  end)

  it("ends nobody else's session", function()
    local session = log_in()
    local id = auth.verify_token(session.access_token).sid
    sessions.log_out("this", world.family().parent_id, id)
    sessions.log_out("all", world.family().parent_id, id)
    sessions.log_out("this", user.id, nil)
    sessions.log_out("this", user.id, {})
    assert.are.equal("not_found", select(2, sessions.finish(id, world.family().parent_id)).code)
    assert.is_table(sessions.refresh(session.refresh_token, "192.0.2.9"))
  end)

  it("forgets expired sessions as new ones come", function()
    local id = auth.verify_token(log_in().access_token).sid
    db.exec("delete from sessions where expires_at <= now()")
    db.exec("update sessions set expires_at = now() - interval '1 second' where id = $1", id)
    log_in()
    assert.are.same({}, db.query("select id from sessions where id = $1", id))
  end)

  it("does the same work whether or not anybody has the address", function()
    local joined = world.unique("p") .. "@example.org"
    assert(users.join("00000000-0000-4000-8000-" .. auth.sha256(joined):sub(1, 12), { email = joined }, {}))
    local verify, calls = auth.verify_password, {}
    auth.verify_password = function(hash, password)
      calls[#calls + 1] = (hash and "hash " or "none ") .. password
      return verify(hash, password)
    end
    local given = { email, world.unique("q") .. "@example.org", joined, "' or 1=1 --" }
    for index, address in ipairs(given) do
      local ok, _, err = pcall(sessions.log_in, address, "wrong", world.unique("address"))
      given[index] = ok and err.code
    end
    auth.verify_password = verify
    assert.are.same({ "hash wrong", "none wrong", "none wrong", "none wrong" }, calls)
    for _, code in ipairs(given) do
      assert.are.equal("invalid_credentials", code)
    end
  end)

  it("counts attempts apart where there is a session already", function()
    local here, there = world.unique("address"), world.unique("address")
    assert(sessions.log_in(email, "a long password", here))
    local err
    repeat
      err = select(2, sessions.log_in(email, "wrong", there))
    until err.code == "rate_limited"
    for _ = 1, config.limits.login_attempts do
      for _, written in ipairs { email .. " " .. here, email .. here, here .. " " .. email, "home:" .. here .. " " .. email } do
        sessions.log_in(written, "wrong", world.unique("address"))
      end
    end
    assert.is_table(sessions.log_in(email, "a long password", here))
    assert.are.equal("rate_limited", select(2, sessions.log_in(email, "a long password", world.unique("address"))).code)
    db.exec("update sessions set expires_at = now() - interval '1 second' where user_id = $1", user.id)
    assert.are.equal("rate_limited", select(2, sessions.log_in(email, "a long password", here)).code)
  end)

  it("remembers where a session is used", function()
    local session = assert(sessions.log_in(email, "a long password", "192.0.2.20"))
    local claim = auth.verify_token(session.access_token).sid
    local before = sessions.list(user.id, claim)
    assert(sessions.refresh(session.refresh_token, "192.0.2.21"))
    local after = sessions.list(user.id, nil)
    assert.are.same({ 1, "192.0.2.20", true }, { #before, before[1].address, before[1].is_current })
    assert.are.same({ 1, "192.0.2.21", false }, { #after, after[1].address, after[1].is_current })
    assert.is_true(after[1].used_at >= before[1].used_at and after[1].created_at == before[1].created_at)
  end)

  it("changes an address for the password only, and keeps the session it is asked for in", function()
    local claim = auth.verify_token(log_in().access_token).sid
    log_in()
    local address = world.unique("p") .. "@Example.org"
    assert.are.equal("wrong_password", select(2, users.change_email(user.id, claim, "a guess", address)).code)
    assert.are.equal(address:lower(), assert(users.change_email(user.id, claim, "a long password", address)).email)
    assert.are.same({ { claim } }, { { sessions.list(user.id, claim)[1].id, sessions.list(user.id, claim)[2] } })
    assert(users.change_email(user.id, "no session", "a long password", email))
    assert.are.same({}, sessions.list(user.id, claim))
    assert.are.equal("not_found", select(2, users.change_email("00000000-0000-4000-8000-000000000009", nil, "x", address)).code)
  end)

  it("changes no address of somebody who has no password here", function()
    local joined = world.unique("p") .. "@example.org"
    local id = "00000000-0000-4000-8000-" .. auth.sha256(joined):sub(1, 12)
    assert(users.join(id, { email = joined }, {}))
    for _, password in ipairs { "x", " ", ("x"):rep(1024) } do
      assert.are.equal("wrong_password", select(2, users.change_email(id, nil, password, "a" .. joined)).code)
    end
    assert.are.equal(joined, users.find(id).email)
  end)

  it("limits guesses of the present password", function()
    for _ = 1, config.limits.login_attempts do
      assert.are.equal("wrong_password", select(2, passwords.change(user.id, "a guess", "another password")).code)
    end
    assert.are.equal("rate_limited", select(2, passwords.change(user.id, "a long password", "another password")).code)
  end)

  it("knows the parent of a device as long as there is the device", function()
    local family = world.family()
    local device = assert(db.transaction(function(tx)
      return devices.add(tx, family.child_id, family.parent_id, "tablet")
    end))
    local claims = auth.verify_token(devices.token(device))
    assert.are.same({ "child", family.child_id, device.id }, { claims.role, claims.sub, claims.jti })
    assert.are.equal(family.parent_id, devices.parent_of(claims))
    assert.is_nil(devices.parent_of { sub = world.family().child_id, jti = device.id })
    assert.is_nil(devices.parent_of { sub = family.child_id })
    assert.is_nil(devices.parent_of { sub = family.child_id, jti = 7 })
    assert.are.equal("not_found", select(2, devices.revoke(family.child_id, world.family().parent_id, device.id)).code)
    assert.is_true(devices.revoke(family.child_id, family.parent_id, device.id))
    assert.is_nil(devices.parent_of(claims))
  end)
end)
