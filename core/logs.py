"""How every process of ours logs: lines on standard error, without what may be a face."""

import sys

import structlog


def set_up() -> None:
    """Send log lines to standard error, with what is bound to the request or the job."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            # Not the pretty traceback: it prints local variables, and these may be faces.
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
