//! Every permission, taken away in turn.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use local_stack::Decision;
use serde_json::Value;

use super::{
    ground::{Ground, Run},
    permission::Permission,
    reasons::reason,
    scenario::Scenario,
};
use crate::faults::Backups;

/// Scenarios that run without a permission until one ends differently.
const TRIES: usize = 2;

/// What is audited, and on how many stacks.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Only this many of the permissions that the first scenario needs, spread over all.
    pub sample: Option<usize>,
    /// Stacks at once.
    pub stacks: usize,
}

/// What is known of a permission.
#[derive(Debug, Clone)]
pub struct Row {
    /// The permission.
    pub permission: Permission,
    /// What failed without it, or why AWS needs it.
    pub needed: String,
    /// Whether nothing failed and nothing explains it.
    pub is_unexplained: bool,
}

/// The ends of all scenarios with all permissions, and the scenarios that use each permission.
struct Usual {
    roles: Value,
    ends: BTreeMap<&'static str, String>,
    users: Vec<(Permission, Vec<Scenario>)>,
}

/// What workers share.
struct Shared<'a> {
    progress: &'a (dyn Fn(usize, usize) + Sync),
    total: usize,
    usual: Usual,
    backups: Arc<Backups>,
    queue: Mutex<VecDeque<(usize, Permission, Vec<Scenario>)>>,
    rows: Mutex<BTreeMap<usize, Row>>,
}

/// Removes each permission in turn. The rows, in the order of the template. `progress` is called with the number of
/// those that are done, and of all.
///
/// # Errors
/// Whatever keeps stacks from running.
pub async fn audit(options: Options, progress: &(dyn Fn(usize, usize) + Sync)) -> Result<Vec<Row>> {
    let backups = Arc::new(Backups::make().await?);
    let ground = Ground::start(Arc::clone(&backups)).await?;
    let scenarios = if options.sample.is_some() { &Scenario::ALL[..1] } else { &Scenario::ALL[..] };
    let usual = usual(&ground, scenarios).await?;
    ground.stack.stop().await?;
    let mut queue: Vec<_> =
        usual.users.iter().cloned().enumerate().map(|(n, (one, by))| (n, one, by)).collect();
    if let Some(sample) = options.sample {
        queue.retain(|(_, _, users)| !users.is_empty());
        let all = queue.len();
        queue = (0..sample.min(all)).map(|number| queue[number * all / sample.min(all)].clone()).collect();
    }
    let (total, rows) = (queue.len(), Mutex::default());
    let shared = Shared { progress, total, usual, backups, queue: Mutex::new(queue.into()), rows };
    try_join_all((0..options.stacks).map(|_| work(&shared))).await?;
    let rows = shared.rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(rows.into_values().collect())
}

async fn usual(ground: &Ground, scenarios: &[Scenario]) -> Result<Usual> {
    let roles = ground.stack.role_documents().clone();
    let mut users: Vec<(Permission, Vec<Scenario>)> =
        Permission::all(&roles)?.into_iter().map(|one| (one, Vec::new())).collect();
    let mut ends = BTreeMap::new();
    for scenario in scenarios {
        let run = ground.run(scenario, &roles).await?;
        let refused = run.decisions.iter().find(|decision| !decision.allowed);
        ensure!(refused.is_none(), "{}: with all permissions, this is refused: {refused:?}", scenario.name);
        for (permission, users) in &mut users {
            if run.decisions.iter().any(|decision| permission.allows(decision)) {
                users.push(*scenario);
            }
        }
        ends.insert(scenario.name, run.end);
    }
    Ok(Usual { roles, ends, users })
}

async fn work(shared: &Shared<'_>) -> Result<()> {
    let mut ground = None;
    while let Some((number, permission, users)) = shared.next() {
        let row = if users.is_empty() {
            unused(permission)
        } else {
            if ground.is_none() {
                ground = Some(Ground::start(Arc::clone(&shared.backups)).await?);
            }
            match &ground {
                Some(ground) => shared.without(ground, permission, &users).await?,
                None => continue,
            }
        };
        let done = {
            let mut rows = shared.rows.lock().unwrap_or_else(PoisonError::into_inner);
            rows.insert(number, row);
            rows.len()
        };
        (shared.progress)(done, shared.total);
    }
    if let Some(ground) = ground {
        ground.stack.stop().await?;
    }
    Ok(())
}

fn unused(permission: Permission) -> Row {
    let why = reason(&permission);
    let needed = why.map_or_else(|| "UNEXPLAINED: no call needs it".to_owned(), |why| format!("AWS: {why}"));
    Row { needed, is_unexplained: why.is_none(), permission }
}

impl Shared<'_> {
    fn next(&self) -> Option<(usize, Permission, Vec<Scenario>)> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    async fn without(&self, ground: &Ground, permission: Permission, users: &[Scenario]) -> Result<Row> {
        let roles = permission.taken_from(&self.usual.roles);
        let mut refusal = None;
        for (tries, scenario) in users.iter().enumerate() {
            if refusal.is_some() && tries >= TRIES {
                break;
            }
            let Run { end, decisions } = ground.run(scenario, &roles).await?;
            let usual = self.usual.ends.get(scenario.name).map_or("", String::as_str);
            if !decisions.iter().any(|decision| is_refusal(decision, &permission)) {
                continue;
            }
            if end != usual {
                let needed = format!("{}: {end}", scenario.name);
                return Ok(Row { needed, is_unexplained: false, permission });
            }
            // Another scenario may end differently.
            refusal.get_or_insert_with(|| {
                format!("{}: the call is refused, the end is the same", scenario.name)
            });
        }
        if let Some(needed) = refusal {
            return Ok(Row { needed, is_unexplained: false, permission });
        }
        let why = reason(&permission);
        let needed = why.map_or_else(
            || "UNEXPLAINED: another statement allows the same calls".to_owned(),
            |why| format!("AWS: {why}"),
        );
        Ok(Row { needed, is_unexplained: why.is_none(), permission })
    }
}

fn is_refusal(decision: &Decision, permission: &Permission) -> bool {
    !decision.allowed && permission.allows(&Decision { allowed: true, ..decision.clone() })
}
