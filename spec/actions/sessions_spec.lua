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
