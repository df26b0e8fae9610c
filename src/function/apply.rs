//! Carries out a plan: register, then deregister, then one look at the rest (rule 1: never empty).

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::aws::Aws;
use crate::decide::plan::Plan;
use crate::error::Error;
use crate::log;
use crate::target::{Target, TargetHealth};

/// How long the closing look may take: nothing but the answer waits for it.
const CLOSING_LOOK: Duration = Duration::from_secs(5);

/// Brings the group to hold `writer` alone. Returns the targets that it registered.
///
/// # Errors
/// A write failed. Nothing is deregistered before `writer` is registered.
pub(super) async fn apply(plan: &Plan, writer: &Target, aws: &Aws) -> Result<Vec<Target>, Error> {
    let mut registered: Vec<_> = plan.register.iter().cloned().collect();
    if let Some(target) = &plan.register {
        register(target, aws).await?;
    }
    if !plan.deregister.is_empty() {
        aws.deregister(&plan.deregister).await?;
        log::info("deregistered", &json!({ "deregistered": plan.deregister }));
        if is_left_empty(aws).await {
            tracing::warn!("another run has emptied the group at the same moment: registering the writer again");
            register(writer, aws).await?;
            registered = vec![writer.clone()];
        }
    }
    Ok(registered)
}

async fn register(target: &Target, aws: &Aws) -> Result<(), Error> {
    aws.register(target).await?;
    log::info("registered", &json!({ "registered": [target] }));
    Ok(())
}

/// Two runs at once can each deregister what the other has just registered. The run that deregisters last sees an empty group here.
async fn is_left_empty(aws: &Aws) -> bool {
    match aws.until(Instant::now() + CLOSING_LOOK).describe_targets().await {
        Ok(targets) => !targets.iter().any(TargetHealth::is_registered),
        Err(error) => {
            tracing::warn!(reason = %error, "could not check whether the group still holds a target");
            false
        }
    }
}
