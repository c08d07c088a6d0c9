"""Long work: put down in the transaction that wants it, done by a worker, taken up again after its death.

A job is the name of its work and two ids: the tenant and the thing it is about. What the work needs it
reads by those ids, so nothing personal ever stands in the queue. The queue itself is PgQueuer, on tables
in the service's own database; this lib says only how Daicho uses it.
"""

from daicho.jobs.fair_queue import add_fair_claim
from daicho.jobs.job import Job, RetryLater
from daicho.jobs.queue import enqueue
from daicho.jobs.schema import create
from daicho.jobs.worker import Handler, JobType, Worker

__all__ = ["Handler", "Job", "JobType", "RetryLater", "Worker", "add_fair_claim", "create", "enqueue"]
