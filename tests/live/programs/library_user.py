"""Import large libraries, use each a little, say so, and wait for the end of standard input."""

import asyncio
import sys

import _ready
import django
import numpy
import pytest
import sqlalchemy
import sympy
import uvicorn
from django.conf import settings
from sqlalchemy import orm


def use_django():
    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
        ROOT_URLCONF=__name__,
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
        ALLOWED_HOSTS=["*"],
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    )
    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.template import engines
    from django.test import Client

    call_command("migrate", verbosity=0)
    User.objects.create_user("ada", password="countess")
    assert User.objects.filter(username__startswith="a").count() == 1
    text = engines["django"].from_string("{% for n in names %}{{ n|upper }}{% endfor %}")
    assert text.render({"names": "ab"}) == "AB"
    assert Client().get("/hello/").content == b"hello"


def hello(request):
    from django.http import HttpResponse

    return HttpResponse("hello")


def _routes():
    from django.urls import path

    return [path("hello/", hello)]


urlpatterns = _routes()


def use_numpy():
    matrix = numpy.arange(9.0).reshape(3, 3) + numpy.eye(3)
    assert numpy.allclose(matrix @ numpy.linalg.inv(matrix), numpy.eye(3))
    assert numpy.random.default_rng(1).integers(5, size=3).shape == (3,)


def use_sympy():
    x = sympy.Symbol("x")
    assert sympy.diff(sympy.sin(x) ** 2, x).equals(sympy.sin(2 * x))
    assert sympy.solve(x**2 - 1, x) == [-1, 1]
    assert sympy.lambdify(x, x + 1)(1) == 2
    sympy.integrate(sympy.exp(-x) * x, x)


def use_sqlalchemy():
    class Base(orm.DeclarativeBase):
        pass

    class Note(Base):
        __tablename__ = "note"
        id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
        text: orm.Mapped[str]

    engine = sqlalchemy.create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with orm.Session(engine) as session:
        session.add(Note(text="one"))
        session.commit()
        assert session.scalars(sqlalchemy.select(Note)).one().text == "one"
    return Note


def use_pytest():
    with pytest.raises(ValueError, match="no"):
        raise ValueError("no")
    assert pytest.approx(0.1 + 0.2) == 0.3


async def application(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


def use_uvicorn():
    async def serve():
        server = uvicorn.Server(uvicorn.Config(application, port=0, lifespan="off"))
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0)
        port = server.servers[0].sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        server.should_exit = True
        await serving
        return answer

    assert b"200 OK" in asyncio.run(serve())


kept = [use_django(), use_numpy(), use_sympy(), use_sqlalchemy(), use_pytest(), use_uvicorn()]
_ready.ready()
sys.stdin.read()
