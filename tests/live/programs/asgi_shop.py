"""An ASGI application that uses `shop`."""

import shop


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        shop.work()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(shop.work()).encode()})
