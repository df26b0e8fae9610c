//! A dry run decides, and writes nothing.

use serde_json::{Value, json};

use crate::standin::Standin;
use crate::support::*;

#[tokio::test(start_paused = true)]
async fn a_dry_reconcile_plans_by_variable_or_by_payload() {
    let asked = json!({"action": "reconcile", "dry_run": true});
    let by_variable: &[_] = &[("DB_CLUSTER_ID", "aurora-prod"), ("DRY_RUN", "true")];
    for (variables, payload) in [(WITH_RDS, asked), (by_variable, reconcile())] {
        let standin = Standin::new().rds_shows(&[("available", "aurora-2")]);
        let answer = invoke(&standin, variables, &payload).await.unwrap();
        let expected = json!({
            "outcome": "planned", "cause": "reconcile", "writer": "aurora-2", "target": B, "evidence": "rds",
            "registered": [B], "deregistered": [A]
        });
        let expected = with_dry_run(expected, variables == by_variable);
        assert_eq!(answer, expected);
        assert!(standin.writes().is_empty());
    }
}

/// Every decision says that `DRY_RUN` is on: whoever forgets to switch it off must be able to see it.
fn with_dry_run(mut decision: Value, on: bool) -> Value {
    if on {
        decision["dry_run"] = true.into();
    }
    decision
}

#[tokio::test(start_paused = true)]
async fn with_dry_run_on_every_decision_says_so() {
    let dry: &[_] = &[("DB_CLUSTER_ID", "aurora-prod"), ("DRY_RUN", "true")];
    let notice = sns([&Value::from("a notice in plain text")]);
    let payloads = [started("aurora-2", 0), started("aurora-1", 0), reconcile(), notice];
    for (payload, outcome) in payloads.iter().zip(["planned", "unchanged", "unchanged", "ignored"]) {
        let answer = invoke(&Standin::new(), dry, payload).await.unwrap();
        assert_eq!((&answer["outcome"], &answer["dry_run"]), (&json!(outcome), &json!(true)));
        assert_eq!(invoke(&Standin::new(), WITH_RDS, payload).await.unwrap().get("dry_run"), None);
    }
}
