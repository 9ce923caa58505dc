//! The threads that hash: as many as processors, each with its own block of memory, behind a queue with an end.
//!
//! Threads of their own, because an Argon2id hash takes a processor for 10 to 20 ms: on the request threads it would hold
//! up everything else, and on an unbounded pool every login in a flood would take another 19 MiB.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use stepgate_core::secret::SecretBytes;
use tokio::sync::oneshot;

use super::phc::Cost;

/// After this long without work a thread gives its memory back.
const IDLE: Duration = Duration::from_secs(30);

/// Why the pool gave no hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// The queue is full: 503 with `Retry-After`.
    #[error("too many passwords are waiting to be checked")]
    Busy,
    /// The computation failed or panicked; the thread goes on.
    #[error("a password could not be hashed")]
    Failed,
}

/// One hash to compute.
pub(super) struct Work {
    pub(super) cost: Cost,
    pub(super) input: SecretBytes,
    pub(super) salt: Vec<u8>,
    pub(super) hash_bytes: usize,
}

/// How a hash is computed with the memory of a thread.
pub(super) type Compute = fn(&Work, &mut Vec<Block>) -> Result<SecretBytes, PoolError>;

/// The threads and their queue. Dropping it lets the threads end after what they are at.
pub(super) struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
    capacity: usize,
    compute: Compute,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    closed: bool,
}

struct Job {
    work: Work,
    reply: oneshot::Sender<Result<SecretBytes, PoolError>>,
}

enum Next {
    Job(Job),
    Idle,
    Closed,
}

impl Pool {
    pub(super) fn start(threads: usize, capacity: usize, compute: Compute) -> std::io::Result<Self> {
        let (queue, changed) = (Mutex::new(Queue::default()), Condvar::new());
        let pool = Self { shared: Arc::new(Shared { queue, changed, capacity, compute }) };
        for number in 0..threads.max(1) {
            let shared = Arc::clone(&pool.shared);
            std::thread::Builder::new().name(format!("passwords-{number}")).spawn(move || run_worker(&shared))?;
        }
        Ok(pool)
    }

    /// How many wait for a thread.
    pub(super) fn waiting(&self) -> usize {
        self.shared.lock().jobs.len()
    }

    /// Computes one hash; [`PoolError::Busy`] at once where the queue is full.
    pub(super) async fn run(&self, work: Work) -> Result<SecretBytes, PoolError> {
        let (reply, answer) = oneshot::channel();
        {
            let mut queue = self.shared.lock();
            if queue.jobs.len() >= self.shared.capacity {
                return Err(PoolError::Busy);
            }
            queue.jobs.push_back(Job { work, reply });
        }
        self.shared.changed.notify_one();
        // The sender is dropped without an answer only where the computation panicked.
        answer.await.unwrap_or(Err(PoolError::Failed))
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    /// A queue is whole after each of its operations, so a poisoned lock changes nothing.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Next {
        let nothing = |queue: &mut Queue| queue.jobs.is_empty() && !queue.closed;
        let (mut queue, _) =
            self.changed.wait_timeout_while(self.lock(), IDLE, nothing).unwrap_or_else(PoisonError::into_inner);
        match queue.jobs.pop_front() {
            Some(job) => Next::Job(job),
            None if queue.closed => Next::Closed,
            None => Next::Idle,
        }
    }
}

fn run_worker(shared: &Shared) {
    let mut blocks = Vec::new();
    loop {
        match shared.next() {
            Next::Closed => return,
            Next::Idle => blocks = Vec::new(),
            // The request was given up while it waited.
            Next::Job(job) if job.reply.is_closed() => {}
            Next::Job(Job { work, reply }) => {
                let computed = catch_unwind(AssertUnwindSafe(|| (shared.compute)(&work, &mut blocks)));
                if computed.is_err() {
                    tracing::error!("hashing a password panicked");
                    blocks = Vec::new();
                }
                // Nobody waits any more where this fails.
                let _ = reply.send(computed.unwrap_or(Err(PoolError::Failed)));
            }
        }
    }
}

/// Argon2id, version 19 (RFC 9106).
pub(super) fn argon2id(work: &Work, blocks: &mut Vec<Block>) -> Result<SecretBytes, PoolError> {
    let Cost { memory_kib, iterations, parallelism } = work.cost;
    let params = Params::new(memory_kib, iterations, parallelism, Some(work.hash_bytes)).map_err(failed)?;
    blocks.resize(params.block_count(), Block::new());
    let mut hash = vec![0; work.hash_bytes];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(work.input.expose(), &work.salt, &mut hash, blocks.as_mut_slice())
        .map_err(failed)?;
    Ok(SecretBytes::new(hash))
}

fn failed(error: argon2::Error) -> PoolError {
    tracing::error!(%error, "hashing a password failed");
    PoolError::Failed
}
