"""A unix socket that leads to another one, on which every answer takes longer: delay.py TO FROM MILLISECONDS"""

import asyncio
import sys

CHUNK = 65536


async def forward(reader, writer):
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    writer.close()


async def forward_later(reader, writer, delay_s):
    """In order: what comes later is also written later."""
    loop = asyncio.get_running_loop()

    def write(data):
        if not writer.is_closing():
            writer.write(data)

    while data := await reader.read(CHUNK):
        loop.call_later(delay_s, write, data)
    loop.call_later(delay_s, writer.close)


async def main(target, source, milliseconds):
    async def connected(reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_unix_connection(target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(forward(reader, far_writer), forward_later(far_reader, writer, int(milliseconds) / 1000),
                             return_exceptions=True)

    server = await asyncio.start_unix_server(connected, source)
    print("ready", flush=True)
    await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
