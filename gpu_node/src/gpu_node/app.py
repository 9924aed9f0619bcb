"""The ASGI application and what it is wired of."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from gpu_node.agenda import Alarm
from gpu_node.api.desk import Desk
from gpu_node.api.routes import routes
from gpu_node.api.submit import Reception, admit_at_once
from gpu_node.auth import BearerKey
from gpu_node.clock import Clock, SystemClock
from gpu_node.connections import Connections
from gpu_node.errands.network import NetworkErrands
from gpu_node.faults.door import FaultDoor, Faults
from gpu_node.faults.routes import FaultRoutes
from gpu_node.links import Links
from gpu_node.node import Node
from gpu_node.problems import Problem, on_crash, on_http_exception, on_problem
from gpu_node.queue import GpuQueue
from gpu_node.settings import Settings
from gpu_node.simulated.executor import SimulatedExecutor, no_mishaps
from gpu_node.store import Store


def create_app(
    settings: Settings, *, clock: Clock | None = None, connections: Connections | None = None
) -> Starlette:
    """The application of one node; everything starts and ends with its lifespan."""
    clock = clock or SystemClock()
    store = Store(settings.state_dir / "node.sqlite3")
    faults = Faults(settings.state_dir, clock, connections or Connections()) if settings.faults else None
    executor = SimulatedExecutor(store, settings.speed, fate=faults.fate if faults else no_mishaps)
    errands = NetworkErrands(executor, clock, settings.upload_patience_s)
    node = Node(store=store, executor=executor, queue=GpuQueue(settings.gpus), errands=errands, clock=clock)
    errands.attach(node)
    alarm = Alarm(node.agenda, clock, node.tick)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        node.changed = alarm.rearm
        node.recover()
        yield
        alarm.silence()
        await errands.close()
        store.close()

    middleware = [Middleware(BearerKey, api_key=settings.api_key)]
    urls = routes(settings.level, Reception(faults.admission if faults else admit_at_once))
    if faults:
        middleware.append(Middleware(FaultDoor, faults=faults, node=node, routes=urls))
        urls = urls + FaultRoutes(faults, node, executor).routes()
    app = Starlette(
        routes=urls,
        middleware=middleware,
        exception_handlers={Problem: on_problem, HTTPException: on_http_exception, Exception: on_crash},
        lifespan=lifespan,
    )
    app.state.desk = Desk(node, Links(store.secret(), clock), settings.level, settings.public_url)
    return app
