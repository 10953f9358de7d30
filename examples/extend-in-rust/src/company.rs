//! What a user adds to a kind that somebody else brought.

use std::path::PathBuf;

use alpacalert_instrument::{
    BoxFuture, Class, Context, InstrumentError, Observation, Reason, Registry, Scope, Sensor,
    SensorError, Target,
};
use alpacalert_model::Effect;

use crate::shared::dashboard;

/// Whether somebody wrote down what to do when a dashboard's alerts fire.
struct SensorRunbook {
    file: PathBuf,
}

impl Sensor for SensorRunbook {
    fn measure<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Observation, SensorError>> {
        Box::pin(async {
            let file = self.file.display();
            match tokio::fs::try_exists(&self.file).await {
                Ok(true) => Ok(Observation::passing(cx.now())),
                Ok(false) => {
                    let text = format!("there is no runbook {file}");
                    Ok(Observation::failing(
                        Reason::fixed("no-runbook"),
                        text,
                        cx.now(),
                    ))
                }
                Err(error) => {
                    let doing = format!("cannot look for the runbook {file}");
                    Err(SensorError::new(Reason::fixed("unreadable"), doing).because(error))
                }
            }
        })
    }

    fn class(&self) -> Class {
        Class::Local
    }
}

/// Adds a runbook to every dashboard, wherever it is met. Without one a dashboard is Degraded.
pub fn register(registry: &mut Registry, runbooks: PathBuf) {
    let instrumentor =
        move |target: &Target, scope: &mut Scope<'_, '_>| -> Result<(), InstrumentError> {
            // What others call their things must not lead out of our folder.
            let name = target.id.reference().replace(['/', '\\'], "-");
            let file = runbooks.join(format!("{name}.md"));
            scope.sensor_part(
                "runbook",
                None,
                "runbook",
                Effect::Degrades,
                SensorRunbook { file },
            );
            Ok(())
        };
    registry.register(dashboard(), instrumentor);
}
