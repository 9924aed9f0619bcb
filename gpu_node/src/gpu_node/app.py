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
from gpu_node.errands.network import NetworkErrands, outgoing_client
from gpu_node.executor import Executor
from gpu_node.faults.door import FaultDoor, Faults
from gpu_node.faults.routes import FaultRoutes
from gpu_node.gpus import CPU, Nvml
from gpu_node.links import Links
from gpu_node.node import Node
from gpu_node.problems import Problem, on_crash, on_http_exception, on_problem
from gpu_node.provision.machine import MachineProvisioner
from gpu_node.queue import GpuQueue
from gpu_node.settings import Settings
from gpu_node.simulated.executor import SimulatedExecutor, no_mishaps
from gpu_node.store import Store
from gpu_node.trained.devices import Devices
from gpu_node.trained.executor import TrainedExecutor
from gpu_node.trained.housekeeping import Housekeeping
from gpu_node.trained.supervision import Policy, Supervision


def trained_executor(settings: Settings, clock: Clock) -> TrainedExecutor:
    """The executor of a machine that trains, over its runs in the state directory."""
    runs = settings.state_dir / "runs"
    gauge = Nvml()
    policy = Policy(
        source=settings.trainer / "src",
        cpu_slots=settings.gpus.get(CPU, 1),
        max_run_gb=settings.max_run_gb,
        leave_s=settings.leave_s,
        keep_children=settings.keep_children,
    )
    housekeeping = Housekeeping(runs, clock, keep_days=settings.keep_days, min_free_gb=settings.min_free_gb)
    return TrainedExecutor(
        runs, clock, Devices(settings.devices), Supervision(policy, gauge, clock), housekeeping
    )


def create_app(
    settings: Settings, *, clock: Clock | None = None, connections: Connections | None = None
) -> Starlette:
    """The application of one node; everything starts and ends with its lifespan."""
    clock = clock or SystemClock()
    store = Store(settings.state_dir / "node.sqlite3")
    faults = Faults(settings.state_dir, clock, connections or Connections()) if settings.faults else None
    client = outgoing_client()
    executor: Executor
    provisioner = None
    if settings.simulated:
        executor = simulated = SimulatedExecutor(
            store, settings.speed, fate=faults.fate if faults else no_mishaps
        )
    else:
        executor = trained_executor(settings, clock)
        provisioner = MachineProvisioner(
            trainer=settings.trainer,
            environment=settings.trainer_env,
            models=settings.models,
            client=client,
        )
    errands = NetworkErrands(client, executor, clock, settings.upload_patience_s, provisioner)
    node = Node(store=store, executor=executor, queue=GpuQueue(settings.gpus), errands=errands, clock=clock)
    errands.attach(node)
    alarm = Alarm(node.agenda, clock, node.tick)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        node.changed = alarm.rearm
        executor.start()
        node.recover()
        yield
        alarm.silence()
        await errands.close()
        await executor.close()
        store.close()

    middleware = [Middleware(BearerKey, api_key=settings.api_key)]
    urls = routes(settings.level, Reception(faults.admission if faults else admit_at_once))
    if faults and settings.simulated:
        middleware.append(Middleware(FaultDoor, faults=faults, node=node, routes=urls))
        urls = urls + FaultRoutes(faults, node, simulated).routes()
    app = Starlette(
        routes=urls,
        middleware=middleware,
        exception_handlers={Problem: on_problem, HTTPException: on_http_exception, Exception: on_crash},
        lifespan=lifespan,
    )
    app.state.desk = Desk(node, Links(store.secret(), clock), settings.level, settings.public_url)
    return app
