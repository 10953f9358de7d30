//! Asks systemd over D-Bus.

use alpacalert_instrument::{Reason, SensorError};
use zbus::{Connection, OwnedObjectPath, OwnedVariant};

use super::root::Root;

const SYSTEMD: &str = "org.freedesktop.systemd1";

/// A connection to the machine's bus. One per look: a connection that stays would miss the bus's restart.
pub(crate) struct Bus {
    connection: Connection,
}

/// A unit, as `ListUnits` shows it: name, description, load state, active state, sub state, what it follows, path, job
/// number, job type and job path (org.freedesktop.systemd1(5)).
type Unit = (
    String,
    String,
    String,
    String,
    String,
    String,
    OwnedObjectPath,
    u32,
    String,
    OwnedObjectPath,
);

/// How a unit is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnitState {
    /// `loaded`, `not-found`, `masked` and so on.
    pub(crate) load: String,
    /// `active`, `activating`, `inactive`, `failed` and so on.
    pub(crate) active: String,
    /// Where its processes are: a path below the root of the control groups.
    pub(crate) control_group: Option<String>,
    /// How often systemd restarted it. Only services have it.
    pub(crate) restarts: Option<u32>,
}

/// Whether systemd manages the machine (sd_booted(3)).
pub(crate) fn runs(root: &Root) -> bool {
    root.at("run/systemd/system").is_dir()
}

impl Bus {
    /// Connects to the machine's system bus.
    pub(crate) async fn connect(root: &Root) -> Result<Bus, SensorError> {
        let socket = root.at("run/dbus/system_bus_socket");
        let address = format!("unix:path={}", socket.display());
        let connection = async {
            zbus::connection::Builder::address(address.as_str())
                .build()
                .await
        };
        match connection.await {
            Ok(connection) => Ok(Bus { connection }),
            Err(error) => Err(failed(format!("cannot connect to {address}"), error)),
        }
    }

    /// The names of the units that failed.
    pub(crate) async fn failed_units(&self) -> Result<Vec<String>, SensorError> {
        let units: Vec<Unit> = self
            .call(
                SYSTEMD,
                "/org/freedesktop/systemd1",
                "org.freedesktop.systemd1.Manager",
                "ListUnitsFiltered",
                &(vec!["failed"],),
            )
            .await?;
        Ok(units.into_iter().map(|unit| unit.0).collect())
    }

    /// How a unit is. systemd answers for units that do not exist too.
    pub(crate) async fn unit(&self, name: &str) -> Result<UnitState, SensorError> {
        let path: OwnedObjectPath = self
            .call(
                SYSTEMD,
                "/org/freedesktop/systemd1",
                "org.freedesktop.systemd1.Manager",
                "LoadUnit",
                &(name,),
            )
            .await?;
        let path = path.as_str();
        let unit = "org.freedesktop.systemd1.Unit";
        let service = "org.freedesktop.systemd1.Service";
        Ok(UnitState {
            load: self.property(SYSTEMD, path, unit, "LoadState").await?,
            active: self.property(SYSTEMD, path, unit, "ActiveState").await?,
            // Units of other types do not have these.
            control_group: self
                .property(SYSTEMD, path, service, "ControlGroup")
                .await
                .ok(),
            restarts: self
                .property(SYSTEMD, path, service, "NRestarts")
                .await
                .ok(),
        })
    }

    /// A property of an object.
    pub(crate) async fn property<T>(
        &self,
        service: &str,
        path: &str,
        interface: &str,
        name: &str,
    ) -> Result<T, SensorError>
    where
        T: TryFrom<OwnedVariant>,
        T::Error: std::error::Error + Send + Sync + 'static,
    {
        let value: OwnedVariant = self
            .call(
                service,
                path,
                "org.freedesktop.DBus.Properties",
                "Get",
                &(interface, name),
            )
            .await?;
        T::try_from(value)
            .map_err(|error| failed(format!("cannot make sense of {name} of {service}"), error))
    }

    async fn call<T>(
        &self,
        service: &str,
        path: &str,
        interface: &str,
        method: &str,
        arguments: &(impl serde::Serialize + zbus::zvariant::DynamicType),
    ) -> Result<T, SensorError>
    where
        T: for<'d> zbus::zvariant::DynamicDeserialize<'d>,
    {
        let doing = || format!("cannot ask {service} for {method}");
        let reply = self
            .connection
            .call_method(Some(service), path, Some(interface), method, arguments)
            .await
            .map_err(|error| failed(doing(), error))?;
        reply
            .body()
            .deserialize()
            .map_err(|error| failed(doing(), error))
    }
}

fn failed(doing: String, error: impl std::error::Error + Send + Sync + 'static) -> SensorError {
    SensorError::new(Reason::fixed("no-systemd"), doing).because(error)
}
