//! One question to one DNS server, with everything that its answer says.
//!
//! A resolver library hides what a check must tell apart: the server's refusal, its failure, its silence.

use std::net::SocketAddr;
use std::time::Duration;

use alpacalert_instrument::Reason;
use hickory_resolver::proto::op::{Edns, Message, Query};
use hickory_resolver::proto::rr::{Name, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use crate::net::{self, Deadline, Trouble};

const PROTOCOL: Reason = Reason::fixed("protocol");

/// The largest answer over UDP that we ask for: what passes without fragments almost everywhere (DNS flag day 2020).
const UDP_BYTES: u16 = 1232;

/// How often a question is sent again when UDP may have lost it.
const TRIES: u32 = 3;

/// Asks over UDP, and over TCP when the answer does not fit.
pub(super) async fn ask(
    server: SocketAddr,
    name: &Name,
    record: RecordType,
    share: Duration,
    deadline: &Deadline,
) -> Result<Message, Trouble> {
    let doing = format!("waiting for the answer of {server}");
    let asking = async {
        let answer = over_udp(server, &question(name, record)?, share / TRIES).await?;
        match answer.metadata.truncation {
            true => over_tcp(server, &question(name, record)?).await,
            false => Ok(answer),
        }
    };
    match tokio::time::timeout(share, asking).await {
        Ok(answer) => answer,
        Err(_) => Err(deadline.silence(&doing)),
    }
}

fn question(name: &Name, record: RecordType) -> Result<Message, Trouble> {
    let mut message = Message::query();
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(name.clone(), record));
    let mut edns = Edns::new();
    edns.set_max_payload(UDP_BYTES);
    message.set_edns(edns);
    Ok(message)
}

fn encode(message: &Message) -> Result<Vec<u8>, Trouble> {
    message.to_vec().map_err(|error| {
        Trouble::ours(
            Reason::SENSOR_BROKEN,
            format!("cannot write the question: {error}"),
        )
    })
}

async fn over_udp(
    server: SocketAddr,
    question: &Message,
    patience: Duration,
) -> Result<Message, Trouble> {
    let doing = format!("asking {server}");
    let trouble = |error| Trouble::of_io(error, &doing);
    let any: SocketAddr = match server {
        SocketAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
        SocketAddr::V6(_) => ([0_u16; 8], 0).into(),
    };
    let socket = UdpSocket::bind(any).await.map_err(trouble)?;
    // Connected: the system drops what comes from elsewhere, and tells when nobody listens.
    socket.connect(server).await.map_err(trouble)?;
    let bytes = encode(question)?;
    loop {
        socket.send(&bytes).await.map_err(trouble)?;
        match tokio::time::timeout(patience, receive(&socket, question)).await {
            Ok(answer) => return answer.map_err(trouble)?,
            // Sent again until the caller's time is up.
            Err(_) => continue,
        }
    }
}

/// The answer to this question; anything else that arrives is not for us.
async fn receive(
    socket: &UdpSocket,
    question: &Message,
) -> std::io::Result<Result<Message, Trouble>> {
    // With room for servers that send somewhat more than was asked for; thousands of checks may wait at the same time.
    let mut buffer = vec![0; 2 * usize::from(UDP_BYTES)];
    loop {
        let length = socket.recv(&mut buffer).await?;
        match Message::from_vec(&buffer[..length]) {
            Ok(answer) if answers(&answer, question) => return Ok(Ok(answer)),
            Ok(_) => {}
            Err(error) if buffer[..length].starts_with(&question.metadata.id.to_be_bytes()) => {
                let text = format!("the answer is not DNS: {error}");
                return Ok(Err(Trouble::target(PROTOCOL, text)));
            }
            Err(_) => {}
        }
    }
}

fn answers(answer: &Message, question: &Message) -> bool {
    // Servers that cannot read a question repeat its number only.
    answer.metadata.id == question.metadata.id
        && (answer.queries.is_empty() || answer.queries == question.queries)
}

async fn over_tcp(server: SocketAddr, question: &Message) -> Result<Message, Trouble> {
    let doing = format!("asking {server} over TCP");
    let stream = TcpStream::connect(server).await;
    let mut stream = stream.map_err(|error| Trouble::of_io(error, &doing))?;
    let exchange = async {
        let bytes = question.to_vec().unwrap_or_default();
        let length = u16::try_from(bytes.len()).unwrap_or_default();
        stream.write_all(&length.to_be_bytes()).await?;
        stream.write_all(&bytes).await?;
        let length = stream.read_u16().await?;
        let mut answer = vec![0; usize::from(length)];
        stream.read_exact(&mut answer).await?;
        Ok(answer)
    };
    let bytes = exchange.await.map_err(|error| net::broken(error, &doing))?;
    match Message::from_vec(&bytes) {
        Ok(answer) if answers(&answer, question) => Ok(answer),
        Ok(_) => Err(Trouble::target(
            PROTOCOL,
            "the answer is to another question",
        )),
        Err(error) => Err(Trouble::target(
            PROTOCOL,
            format!("the answer is not DNS: {error}"),
        )),
    }
}
