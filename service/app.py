"""The ASGI application: its routes, and the resources that live as long as the process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

import gateway.settings
from gateway.database import following_primary
from gateway.deployment import Deployment
from gateway.notify.wakeup import Wakeup
from gateway.templates.compile_process import TemplateCompiler
from gateway.tracking.buffer import HitBuffer
from gateway.tracking.recorder import HitRecorder
from service import health, metrics
from service.access_log import AccessLog
from service.auth import sign_in
from service.auth.callers import Authenticator, Caller
from service.cache import Cache
from service.campaign_changes import CampaignChanges
from service.change_listener import ChangeListener
from service.compression import Compression
from service.database import DatabasePools, PoolOptions, open_pools, open_replica
from service.graph.context import Context
from service.graph.documents import Documents
from service.graph.execution import Execution
from service.graph.http import GraphQLOverHttp
from service.graph.limits import DocumentLimits
from service.graph.persisted import PersistedOperations, read_allow_list
from service.graph.schema import schema
from service.graph.streams import Streams
from service.graph.websocket import GraphQLOverWebSocket
from service.health import Health
from service.http import graphiql_page, tracking
from service.http.attachments import Attachments
from service.http.content import Contents
from service.http.exports import Exports
from service.http.files import Files
from service.http.imports import Imports
from service.http.inbound import InboundMail
from service.http.page_files import page_files
from service.http.plain_page import show_not_found
from service.replicas import Replicas
from service.security import SecurityHeaders
from service.settings import Settings
from service.worker_metrics import WorkerMetrics


@dataclass(frozen=True, kw_only=True, slots=True)
class Resources:
    """Shared by the routes: `request.app.state.resources`."""

    settings: Settings
    pools: DatabasePools
    deployment: Deployment
    wakeup: Wakeup
    compiler: TemplateCompiler
    cache: Cache
    authenticator: Authenticator
    changes: ChangeListener
    replicas: Replicas | None


class _GraphQL:
    """`/graphql`: the transport is made by the lifespan, after the routes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        await scope["app"].state.graphql(scope, receive, send)


async def _graphql_websocket(websocket: WebSocket) -> None:
    await websocket.app.state.graphql_websocket.serve(websocket)


def create_app(
    settings: Settings, gateway_settings: gateway.settings.Settings, workers: WorkerMetrics | None = None
) -> Starlette:
    """Returns the application; its pools are opened when it starts. `workers` tells the metrics of several processes.

    Raises SettingsError when the list of persisted operations cannot be used.
    """
    allowed = read_allow_list(settings.persisted_operations) if settings.persisted_operations else None
    routes = _routes(settings)
    app = Starlette(routes=routes, lifespan=_lifespan(settings, gateway_settings, allowed))
    # Starlette would redirect `/u/TOKEN/` to the host that the request names; a link in a mail must not do that.
    app.router.redirect_slashes = False
    draining = app.state.draining = asyncio.Event()
    app.state.worker_metrics = workers
    app.add_exception_handler(404, show_not_found)
    app.add_middleware(Compression)
    app.add_middleware(
        SecurityHeaders,
        secure=settings.secure,
        frame_ancestors=settings.frame_ancestors,
        is_draining=draining.is_set,
    )
    app.add_middleware(AccessLog, routes=routes)
    return app


def _routes(settings: Settings) -> list[BaseRoute]:
    return [
        Route("/graphql", _GraphQL()),
        WebSocketRoute("/graphql", _graphql_websocket),
        Route("/healthz", health.healthz),
        Route("/readyz", health.readyz),
        Route("/metrics", metrics.metrics),
        Route("/attachments", Attachments().upload, methods=["POST"]),
        Route("/imports", Imports().upload, methods=["POST"]),
        Route("/inbound/raw", InboundMail().take, methods=["POST"]),
        Route("/files/{token}", Files().download, methods=["GET"]),
        Route("/exports/{token}", Exports().download, methods=["GET"]),
        Route("/content/{token}", Contents().serve, methods=["GET"]),
        *sign_in.routes(),
        *tracking.routes(),
        *(graphiql_page.routes() if settings.graphiql else ()),
        *page_files().routes(),
    ]


def _lifespan(
    settings: Settings, gateway_settings: gateway.settings.Settings, allowed: Mapping[str, str] | None
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        options = PoolOptions(
            size=settings.pool_size,
            wait_seconds=settings.pool_wait_seconds,
            statement_seconds=settings.statement_seconds,
        )
        pools = await open_pools(settings.database_url, options)
        replicas = await _open_replicas(settings, pools, options) if settings.database_read_url else None
        cache = Cache(settings.redis_url, clock=time.monotonic)
        authenticator = Authenticator(replicas or pools, public_url=settings.public_url, clock=time.monotonic)
        resources = Resources(
            settings=settings,
            pools=pools,
            deployment=Deployment.open(gateway_settings),
            wakeup=Wakeup(settings.redis_url),
            compiler=TemplateCompiler(),
            cache=cache,
            authenticator=authenticator,
            changes=ChangeListener(settings.database_url, pools),
            replicas=replicas,
        )
        app.state.resources = resources
        app.state.health = Health(
            pools,
            cache,
            has_bounce_domain=gateway_settings.bounce_domain is not None,
            is_draining=app.state.draining.is_set,
            clock=time.monotonic,
            replicas=replicas,
        )
        execution = _execution(resources, allowed, replicas)
        streams = Streams(draining=app.state.draining)
        app.state.graphql = GraphQLOverHttp(
            execution,
            authenticator,
            streams,
            read_seconds=settings.read_seconds,
            max_variables=settings.max_variables_bytes,
        )
        app.state.graphql_websocket = GraphQLOverWebSocket(
            execution, authenticator, streams, max_variables=settings.max_variables_bytes
        )
        recorder = HitRecorder(pools.writing, HitBuffer(settings.redis_url))
        app.state.tracking = tracking.Tracking(pools, recorder, resources.deployment)
        try:
            async with (
                following_primary(settings.database_url),
                app.state.tracking.running(),
                resources.changes.running(),
                replicas.running() if replicas is not None else nullcontext(),
                workers.told() if (workers := app.state.worker_metrics) is not None else nullcontext(),
            ):
                yield
        finally:
            await resources.wakeup.close()
            await cache.close()
            if replicas is not None:
                await replicas.close()
            await pools.close()

    return lifespan


async def _open_replicas(settings: Settings, pools: DatabasePools, options: PoolOptions) -> Replicas:
    return Replicas(
        pools,
        [await open_replica(address, options) for address in settings.database_read_url],
        primary_url=settings.database_url,
        addresses=settings.database_read_url,
        max_lag=settings.replica_lag_seconds,
        clock=time.monotonic,
    )


def _execution(resources: Resources, allowed: Mapping[str, str] | None, replicas: Replicas | None) -> Execution:
    settings = resources.settings
    campaign_changes = CampaignChanges(resources.pools)

    def context(caller: Caller, pools: DatabasePools | None) -> Context:
        return Context(
            pools=pools or resources.pools,
            deployment=resources.deployment,
            wakeup=resources.wakeup,
            compiler=resources.compiler,
            changes=resources.changes,
            campaign_changes=campaign_changes,
            actor=caller.name,
            sees_content=caller.content,
            bound_relay=settings.bound_relay,
        )

    limits = DocumentLimits(
        document_bytes=settings.max_document_bytes,
        tokens=settings.max_tokens,
        depth=settings.max_depth,
        aliases=settings.max_aliases,
    )
    return Execution(
        schema,
        documents=Documents(schema._schema, limits, introspection=settings.introspection),
        persisted=PersistedOperations(allowed, resources.cache),
        max_cost=settings.max_cost,
        make_context=context,
        hide_suggestions=not settings.introspection,
        replicas=replicas,
    )
