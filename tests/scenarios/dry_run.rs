//! A dry run decides, and writes nothing.

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn a_dry_reconcile_plans_by_variable_or_by_payload() {
    let asked = json!({"action": "reconcile", "dry_run": true});
    for (variables, payload) in [(WITH_RDS, asked), (DRY, reconcile())] {
        let standin = Standin::new().rds_shows(SHOWS_B);
        let answer = invoke(&standin, variables, &payload).await.unwrap();
        let mut expected = json!({
            "outcome": "planned", "cause": "reconcile", "writer": "aurora-2", "target": B, "evidence": "rds",
            "registered": [B], "deregistered": [A]
        });
        if variables == DRY {
            expected["dry_run"] = true.into();
        }
        assert_eq!(answer, expected);
        assert!(standin.writes().is_empty());
    }
}

/// Anyone who forgets to switch `DRY_RUN` off must be able to see that it is on.
#[tokio::test(start_paused = true)]
async fn with_dry_run_on_every_decision_says_so() {
    let notice = sns([&Value::from("a notice in plain text")]);
    let payloads = [started("aurora-2", 0), started("aurora-1", 0), reconcile(), notice];
    for (payload, outcome) in payloads.iter().zip(["planned", "unchanged", "unchanged", "ignored"]) {
        let answer = invoke(&Standin::new(), DRY, payload).await.unwrap();
        assert_eq!((&answer["outcome"], &answer["dry_run"]), (&json!(outcome), &json!(true)));
        assert_eq!(invoke(&Standin::new(), WITH_RDS, payload).await.unwrap().get("dry_run"), None);
    }
}
