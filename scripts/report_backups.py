#!/usr/bin/env python3
"""report_backups.py FOLDER: backups for pages of the report: shop.rdb by a real redis-server, hostile.rdb, broken.rdb."""

import pathlib
import subprocess
import sys
import time

FOLDER = pathlib.Path(sys.argv[1]).resolve()

# As in a shop: users, carts and sessions, cached pages, queues, a leader board, and a few odd ones.
SHOP = """
local call = redis.call
math.randomseed(7)
for i = 1, 60000 do
  local id = redis.sha1hex(i)
  call('HSET', 'user:' .. i .. ':profile', 'name', 'Name ' .. i, 'mail', id .. '@example.com', 'city', string.rep('c', i % 12))
  if i % 2 == 0 then call('SET', 'session:' .. id, string.rep(id, 4), 'EX', 600 + i * 20) end
  if i % 3 == 0 then call('HSET', 'cart:' .. i, 'item:' .. i % 900, i % 5, 'item:' .. i % 700, 1) call('EXPIRE', 'cart:' .. i, 86400 * (1 + i % 40)) end
  if i % 4 == 0 then call('SET', 'cache:page:/product/' .. i, string.rep('<p>' .. id .. '</p>', 12), 'EX', 3600) end
  if i % 5 == 0 then call('SET', 'cache:price:' .. i, i * 13, 'EX', 90000) end
  if i % 6 == 0 then call('SADD', 'user:' .. i .. ':likes', i, i + 1, i + 7, id) end
  call('RPUSH', 'queue:mail', id)
  if i % 3 == 0 then call('RPUSH', 'queue:export:' .. i % 4, id .. i) end
  call('ZADD', 'board:week', i % 977, 'user:' .. i)
  if i % 10 == 0 then call('XADD', 'log:orders', i .. '-1', 'order', i, 'user', id) end
end
for i = 1, 500 do call('SET', 'config.' .. i, redis.sha1hex(i)) end
"""

HOSTILE = [
    b"</script><script>alert(1)</script>:x", b"</title></style><img src=x onerror=alert(1)>:x", b'"onload="alert(1)":x',
    "\u202egnp.exe\u2066:x".encode(), b"nul\0nul:x", b"\xff\xfe\xc3(:x", b"\x1b]0;title\x07\x1b[2J:x", b"a" * 200 + b":x",
    ("\u05d0\u05d1" * 30).encode() + b":x", b"plain",
]


def shop():
    port = "0"
    socket = FOLDER / "socket"
    server = subprocess.Popen(
        ["redis-server", "--port", port, "--unixsocket", str(socket), "--save", "", "--dir", str(FOLDER), "--dbfilename", "shop.rdb",
         "--maxmemory", "1gb", "--maxmemory-policy", "allkeys-lru"], stdout=subprocess.DEVNULL)
    try:
        while not socket.exists():
            time.sleep(0.05)
        for command in (["EVAL", SHOP, "0"], ["SAVE"]):
            subprocess.run(["redis-cli", "-s", str(socket), *command], check=True, stdout=subprocess.DEVNULL)
    finally:
        server.kill()
        server.wait()
        socket.unlink(missing_ok=True)


def text(value):
    length = len(value)
    return (bytes([length]) if length < 64 else bytes([0x40 | length >> 8, length & 255])) + value


def rdb(keys):
    records = b"".join(b"\0" + text(key) + text(b"v" * 30) for key in keys)
    return b"REDIS0010\xfe\0" + records + b"\xff" + bytes(8)


shop()
(FOLDER / "hostile.rdb").write_bytes(rdb(HOSTILE))
(FOLDER / "broken.rdb").write_bytes(rdb(HOSTILE)[:-60])
