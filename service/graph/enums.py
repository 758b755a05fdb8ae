"""Every enum with its GraphQL descriptions. The gateway declares them; PostgreSQL has the same."""

from __future__ import annotations

from enum import EnumMeta

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from gateway.campaigns.address_check import AddressWarningKind
from gateway.campaigns.counts import CountPrecision
from gateway.campaigns.criteria import CustomerField, MailHappening
from gateway.campaigns.imports import ImportStatus
from gateway.campaigns.lists import ListKind
from gateway.campaigns.possible_actions import CampaignAction
from gateway.errors import RefusalCode
from gateway.mail.action_tokens import BulkMessageAction
from gateway.mail.address_solutions import SolutionKind
from gateway.mail.campaign import (
    CampaignKind,
    CampaignStatus,
    EventRepeat,
    LeftOutReason,
    MailingStatus,
    UncertainDecision,
)
from gateway.mail.choice import OptOutKind, OptOutSource, SuppressionReason, SuppressionScope
from gateway.mail.correspondence import AuthorKind
from gateway.mail.delivery_status import ReportAction
from gateway.mail.dns_records import DnsRecordKind
from gateway.mail.export_links import ExportFormat
from gateway.mail.hit import HitReason, HitVerdict
from gateway.mail.inbound import InboundKind, UnmatchedReason
from gateway.mail.letter import CardMailKind, DocumentKind, WorkOrderKind
from gateway.mail.message import CopyRole, EventKind, Status
from gateway.mail.response import Stage
from gateway.mail.source import ColorHint, ConnectionType, Direction, SourceType
from gateway.mail.verdict import Cause, Outcome
from gateway.notify.changes import ChangeKind
from gateway.outbox.gateway_history import GatewaySpan
from gateway.outbox.possible_actions import MessageAction, StayReason
from gateway.outbox.relay_limits import RelayEventKind
from gateway.templates.mail_warnings import MailWarningCode
from service.finding.query import MessageOrder


def _describe(enum: EnumMeta, description: str, *, name: str | None = None, **values: str) -> None:
    """Make a Python enum a GraphQL one. Every value needs its sentence: a missing one is a KeyError at import."""
    strawberry.enum(enum, name=name, description=description)
    definition: StrawberryEnumDefinition = getattr(enum, "__strawberry_definition__")  # noqa: B009 - mypy knows no such
    for value in definition.values:
        value.description = values[value.name]


_describe(
    SourceType,
    "The business transaction a mail belongs to.",
    CAMPAIGN="A campaign, marketing or event-based.",
    WORK_ORDER="A work order: created, changed, cancelled, reminded of or completed.",
    E_SIGNATURE="A proposal or change order to sign.",
    CARD_PROCESSING="A card charge, refund, decline or payment link.",
)
_describe(
    MessageOrder,
    "The order of mail; a row never moves.",
    NEWEST="By occurredAt, newest first.",
    OLDEST="By occurredAt, oldest first.",
)
_describe(
    Direction,
    "Which way a mail went.",
    SENT="Sent by us to the customer.",
    RECEIVED="Received from the customer.",
)
_describe(
    ConnectionType,
    "How a connection note came to be.",
    MARKETING_CAMPAIGN="Sent to many by a campaign.",
    INDIVIDUAL_EMAIL="One mail to or from one customer.",
)
_describe(
    ColorHint,
    "A colour that every client shows alike.",
    GREY="Rows: campaign and work-order mail. Icons: the server accepted it, it was received, or a person "
    "cancelled it.",
    BLUE="Rows only: e-signature and card-processing mail.",
    RED="Icons only: it was not sent, or it came back.",
    AMBER="Icons only: nothing is decided yet.",
)
_describe(
    Status,
    "Where a mail is in its life.",
    name="EmailStatus",
    QUEUED="Waits for its turn.",
    HANDED_OFF="On the wire just now.",
    DEFERRED="The server said not now; tried again later.",
    ACCEPTED="The server took it. That is not yet delivery: a bounce may come later.",
    REFUSED="The server refused it for good.",
    UNCERTAIN="Nobody here knows whether the server took it; waits for evidence or a person.",
    HELD="Not sent: a suppression, an opt-out or a wrong relay stands against it.",
    CANCELLED="Called back before it was sent.",
    EXPIRED="Its deadline passed before the server took it.",
    BOUNCED="Accepted first, then it came back.",
    RECEIVED="Received from the customer.",
)
_describe(
    Outcome,
    "What became of one attempt.",
    name="Verdict",
    ACCEPTED="The server took it.",
    DEFERRED="Not now.",
    REFUSED="Never.",
    UNCERTAIN="Silence after the mail had left.",
)
_describe(
    Stage,
    "How far an SMTP transaction had come (RFC 5321).",
    name="SmtpStage",
    CONNECT="While connecting.",
    GREETING="At the server's greeting.",
    EHLO="At EHLO.",
    STARTTLS="At STARTTLS.",
    AUTH="At the login.",
    MAIL="At MAIL FROM.",
    RCPT="At RCPT TO.",
    DATA="At DATA.",
    CONTENT="While the content was under way.",
    END_OF_DATA="After the final dot.",
    REPORT="In a report that came after the transaction: `response` is the reply that the report quotes.",
)
_describe(
    Cause,
    "Why a mail is not there, or not yet.",
    BAD_ADDRESS="There is no such mailbox.",
    BAD_DOMAIN="There is no such domain, or it takes no mail.",
    MAILBOX_FULL="The mailbox is full.",
    INACTIVE="The mailbox is disabled.",
    POLICY="The receiver's policy forbids it.",
    SPAM="The receiver takes it for spam.",
    AUTHENTICATION="SPF, DKIM or DMARC did not satisfy the receiver.",
    REPUTATION="The receiver mistrusts our address or domain.",
    SIZE="The mail is too large.",
    CONTENT="The receiver does not like what is in it.",
    GREYLISTED="The receiver asks every newcomer to come back later.",
    RATE_LIMITED="Too much mail in too little time.",
    RELAY_TROUBLE="Our relay has trouble.",
    DESTINATION_TROUBLE="The destination has trouble.",
    OUR_CONFIGURATION="Something is set up wrongly on our side.",
    UNSUPPORTED="The server lacks something that this mail needs.",
    CONNECTION_LOST="The connection broke.",
    TIMEOUT="The server did not answer in time.",
    RESTORED="The ledger was restored from a copy in which this mail waited.",
    SUPPRESSED="The address is on the suppression list.",
    OPTED_OUT="The customer chose not to get such mail.",
    WRONG_RELAY="The mail is bound to a relay that is not configured.",
    DEADLINE="Its deadline passed.",
    BY_PERSON="A person decided so.",
    UNKNOWN="The server gave no reason we know.",
)
_describe(
    CopyRole,
    "Why somebody besides the customer gets the mail.",
    CC="A visible copy.",
    BCC="A copy that the other recipients do not see.",
)
_describe(
    EventKind,
    "What happened to a message.",
    HELD="It was held back.",
    CANCELLED="It was called back.",
    EXPIRED="Its deadline passed.",
    RETRIED="A person asked for another try.",
    RETRIED_ONCE="Uncertain, it is tried once more, as this deployment chose: it may arrive twice.",
    ASSUMED_SENT="A person decided that it was sent.",
    RESCUED="Its worker was lost before the hand-off; it went back to the queue.",
    UNCERTAIN="Connection or worker was lost after the hand-off: nobody knows whether it was sent.",
    RELEASED="It was let go after being held.",
    BOUNCED="A delivery report said that it came back.",
    COMPLAINED="The reader reported it as spam.",
    SUPPRESSED="Its address was put on the suppression list.",
    SUPPRESSION_LIFTED="The suppression of its address was lifted.",
    READDRESSED="A person sent it to the customer's present address; `detail` keeps the former one.",
    OPTED_OUT="The reader opted out by it.",
    SETTLED="Evidence settled what was uncertain.",
    QUEUED="It was put on its way.",
    ATTEMPTED="A transaction ended.",
    OPENED="Its pixel was fetched.",
    CLICKED="One of its links was followed.",
    DELAYED="A report said: not yet.",
    DELIVERED="A report said: in the mailbox.",
    RELAYED="A report said: passed on, no more will be heard.",
    EXPANDED="A report said: passed on to a list's members.",
    REPLIED="It was answered.",
    RECEIVED="It was received.",
    FORWARDED="It was forwarded to staff.",
    ASSIGNED="A person said whose it is.",
    REPORT_BELIEVED="A person said that a report about it, which carries no token of ours, is true.",
    TRIGGERED="Something happened to its customer, which its campaign was told of; `detail` says what.",
    DISMISSED="A person took it off the worklist.",
    UNDONE="A person took the last decision back; `detail` says which.",
)
_describe(
    AuthorKind,
    "Who wrote a received mail.",
    CUSTOMER="The customer, or who our mail went to: a token of ours, a person or the receiving server vouches for it.",
    OTHER="Another address, with a token of ours or assigned by a person: a colleague, as a rule.",
    UNVERIFIED="An address of the customer's, or of a reader of a copy, for which nothing vouches: may be forged.",
)
_describe(
    ReportAction,
    "What a report says became of the mail.",
    FAILED="It came back.",
    DELAYED="Not yet; it is still tried.",
    DELIVERED="It is in the mailbox.",
    RELAYED="It went to a server that sends no reports.",
    EXPANDED="It went to a list's members.",
)
_describe(
    InboundKind,
    "What a received mail is.",
    REPLY="A person wrote.",
    BOUNCE="A delivery report.",
    COMPLAINT="An abuse report (RFC 5965).",
    AUTOMATIC="A machine's answer (RFC 3834).",
)
_describe(
    UnmatchedReason,
    "Why a mail matches nobody.",
    NO_TRACE="It carries no token and names no message of ours.",
    TOKEN_INVALID="Its token is not ours, or was altered.",  # noqa: S106  # a reason, no password
    SEVERAL_CUSTOMERS="Several customers have the address.",
    UNKNOWN_SENDER="No customer has the address.",
    UNREADABLE="It could not be read as a report.",
)
_describe(
    CampaignKind,
    "What starts a campaign.",
    MARKETING="Sent to a list at a time.",
    EVENT_BASED="Triggered by something that happened.",
)
_describe(
    CampaignStatus,
    "Where a campaign is in its life.",
    DRAFT="Created, not launched.",
    SCHEDULED="Launched; its first mailing is still to come.",
    RUNNING="Under way.",
    PAUSED="Stopped for now; nothing of it leaves.",
    CANCELLED="Called off.",
    FINISHED="No recipient is undecided.",
)
_describe(
    MailingStatus,
    "Where a mailing is in its life; a pause is its campaign's.",
    DRAFT="Not launched.",
    SCHEDULED="Its time is still to come.",
    FREEZING="Its audience is being frozen.",
    RUNNING="Under way.",
    FINISHED="No recipient is undecided.",
    CANCELLED="Cancelled.",
)
_describe(
    LeftOutReason,
    "Why somebody in the lists is not mailed.",
    OPTED_OUT="They chose so.",
    SUPPRESSED="Their address must not be mailed.",
    NO_ADDRESS="They have no address.",
    DUPLICATE_ADDRESS="Their address is mailed already, as another customer's.",
    ERASED="They were erased.",
    MERGE_FIELD_MISSING="A field without default has no value for them.",
)
_describe(
    CampaignAction,
    "What can be done about a campaign; each is the mutation of that name with Campaign behind it, UPDATE those of its "
    "mailings, too.",
    LAUNCH="Start it.",
    PAUSE="Stop it for now.",
    RESUME="Let it go on.",
    CANCEL="End it.",
    RETRY="Try failures again.",
    SETTLE="Decide what is uncertain.",
    UPDATE="Change it.",
    DELETE="Delete it.",
    ARCHIVE="Archive it, or bring it back.",
)
_describe(
    EventRepeat,
    "How often one customer may be mailed by an event-based campaign.",
    ONCE_A_DAY="Again on another day of the customer's.",
    ONCE="Never again.",
)
_describe(
    HitVerdict,
    "Who fetched a pixel or a link.",
    HUMAN="A person.",
    MACHINE="A scanner, a prefetch or a privacy proxy.",
    UNKNOWN="It cannot be told; counted with people.",
)
_describe(
    HitReason,
    "Why a hit was judged so.",
    PREFETCH_HEADER="The request said that it was a prefetch.",
    HEAD_REQUEST="HEAD asks without reading.",
    EMPTY_AGENT="It named no user agent.",
    SCANNER_AGENT="Its user agent is a known scanner's.",
    PRIVACY_PROXY="A mail privacy proxy loads every pixel.",
    IMAGE_PROXY="An image proxy hides who asked.",
    LINK_BURST="Several links of one message within moments.",
    MANY_MESSAGES="One origin over many messages within moments.",
    BEFORE_ANSWER="It came before the server had answered.",
    HONEYPOT="It followed a link that no person sees.",
    BROWSER_AGENT="Its user agent is a browser's.",
    UNRECOGNISED_AGENT="Its user agent is not known.",
)
_describe(
    OptOutKind,
    "What a customer chose not to get.",
    MARKETING="Marketing campaigns.",
    EVENT_BASED="Event-based campaigns.",
)
_describe(
    OptOutSource,
    "How an opt-out came about.",
    LINK="By the unsubscribe page.",
    ONE_CLICK="By the mail program's unsubscribe button (RFC 8058).",
    STAFF="Set by our people.",
    COMPLAINT="By a spam report.",
)
_describe(
    SuppressionReason,
    "Why an address must not be mailed.",
    BAD_ADDRESS="A server said that there is no such mailbox.",
    COMPLAINT="Its reader reported our mail as spam.",
    STAFF="Our people said so.",
)
_describe(
    StayReason,
    "Why a message stays as it is when something is done to many.",
    STATUS="Its status does not allow it, or it is being sent right now.",
    SUPPRESSED="Its address must not be mailed.",
    OPTED_OUT="The customer opted out of such mail.",
    NO_ADDRESS="There is no address that can be mailed.",
    SAME_ADDRESS="The customer's present address is the one that it was for.",
    CAMPAIGN_CANCELLED="Its campaign was cancelled.",
    RELAY_GONE="It may leave by one relay alone, which is not configured any more.",
    DISMISSED="It was taken off the worklist already.",
    ERASED="The customer was erased.",
)
_describe(
    AddressWarningKind,
    "What kind of thing speaks against an address.",
    TYPO="Its domain looks mistyped.",
    NO_MAIL_SERVER="DNS names no server that takes mail for its domain, or says that none does.",
)
_describe(
    SolutionKind,
    "What kind of solution.",
    TYPO="The domain seems mistyped.",
    OTHER_ADDRESS="The customer has another address that takes mail.",
    ASK="Ask the customer.",
    WAIT="It mends itself: a full mailbox, trouble over there.",
    LIFT="The words do not speak of the address: lift the suppression.",
    OURS="The fault is on our side.",
)
_describe(
    SuppressionScope,
    "What a suppression stops.",
    ALL_MAIL="Every mail.",
    CAMPAIGNS="Campaigns; individual mail goes on.",
)
_describe(
    MessageAction,
    "What a person can do about a message as it is now. The API accepts what is named here, and says why not of the "
    "rest.",
    RETRY="`retryMessage`.",
    RETRY_TO_PRESENT_ADDRESS="`retryMessage(toPresentAddress: true)`: the customer has another address now.",
    ASSUME_SENT="`assumeSent`.",
    CANCEL="`cancelMessage`.",
    LIFT_SUPPRESSION="`liftSuppression` of its address, or of the copy's that is held.",
    CORRECT_ADDRESS="`correctAddress` of the customer's.",
    BELIEVE_REPORT="`believeReport` of its `info { report }`, or of a copy's: nothing vouches for it yet.",
    DISMISS="`dismissMessages`: it failed, and nothing more is to be done.",
    UNDO="`undoDecision`: the last that happened to it is a person's decision: assumed sent, dismissed, assigned.",
)
_describe(
    BulkMessageAction,
    "What can be done about many messages at once.",
    RETRY="`retryMessages`.",
    RETRY_TO_PRESENT_ADDRESS="`retryMessages`, to the customers' present primary addresses.",
    ASSUME_SENT="`assumeSentMessages`.",
    CANCEL="`cancelMessages`.",
    DISMISS="`dismissMessages`.",
)
_describe(
    WorkOrderKind,
    "What happened to a work order.",
    CREATED="It was scheduled.",
    CHANGED="Its time or place changed.",
    CANCELLED="It was called off.",
    REMINDER="It is about to happen.",
    COMPLETED="It was done.",
)
_describe(
    DocumentKind,
    "What is to be signed.",
    PROPOSAL="A proposal.",
    CHANGE_ORDER="A change to an agreed proposal.",
)
_describe(
    CardMailKind,
    "What happened to a card payment.",
    CHARGE="The card was charged.",
    REFUND="Money went back to the card.",
    DECLINE="The card was declined.",
    PAYMENT_LINK="The customer may pay at the portal.",
)
_describe(
    RefusalCode,
    "Why an intent was refused.",
    name="UserErrorCode",
    INVALID="The value is not one that can be used.",
    REQUIRED="A value is missing.",
    TOO_LONG="The text is too long.",
    TOO_MANY="There are too many of them.",
    NOT_FOUND="There is no such thing.",
    CONFLICT="It contradicts what is there.",
    ADDRESS_INVALID="Not an e-mail address (RFC 5321).",
    ADDRESS_RESERVED="An address under a name that is reserved for tests and examples.",
    CARD_NUMBER="The text holds a full card number, which is never stored.",
    HEADER_INJECTION="A line break or NUL in what becomes a header.",
    IDEMPOTENCY_CONFLICT="The key was used before, with other content.",
    DEADLINE_PASSED="It would be too late to send it.",
    TEMPLATE_INVALID="The template cannot be compiled.",
    MERGE_FIELD_MISSING="A field of the template has no value.",
    UNSUBSCRIBE_MISSING="A campaign's template needs an unsubscribe link in its HTML.",
    POSTAL_ADDRESS_MISSING="A campaign's sender needs a postal address.",
    ATTACHMENT_TOO_LARGE="The attachments are too large.",
    ILLEGAL_STATE="Its state does not allow that.",
    SUPPRESSED="The address is on the suppression list.",
    OPTED_OUT="The customer chose not to get such mail.",
    ERASED="The customer was erased.",
    MAPPING_INVALID="A column is missing, stands twice or goes nowhere.",
    TOO_COSTLY="The criteria would cost too much to evaluate.",
    AUDIENCE_EMPTY="The audience is empty.",
    SCHEDULE_INVALID="The time is past, or cannot be.",
    TOO_OFTEN="Once a day, or once ever, leaves it out.",
    PREVIEW_EXPIRED="The preview is too old, was made by somebody else or for another action: preview again.",
)
_describe(
    RelayEventKind,
    "What happened to a relay or a destination.",
    PAUSED="It was left alone for a while.",
    RESUMED="A person said that it works again.",
    STOPPED="It waits for a person.",
    LIMITED="A person set or lifted its limits.",
    CONNECTION="It could not be reached.",
    TLS="TLS failed.",
    LOGIN="The login failed.",
    UNAVAILABLE="It said that it has no service now (421).",
)
_describe(
    GatewaySpan,
    "How far back.",
    HOUR="The last hour, by the minute.",
    DAY="The last day, by the quarter of an hour.",
)
_describe(
    ChangeKind,
    "What is new in a customer's mail history.",
    MESSAGE="A message was made or received, its status changed, or something was reported of it.",
    HIT="An open or a click came, or was judged.",
    OPT_OUT="What the customer chose not to get changed.",
    RESYNC="Changes may have been missed: read everything again.",
)
_describe(
    MailWarningCode,
    "What may be wrong with a mail.",
    CLIPPED="Over 100 KB: some mail programs cut it there.",
    IMAGE_WITHOUT_ALT="An image without a text in its place.",
    LINK_NOT_HTTPS="A link that is not https.",
    UNSUBSCRIBE_MISSING="No unsubscribe link.",
    POSTAL_ADDRESS_MISSING="The sender has no postal address.",
    MERGE_FIELD_MISSING="A field without default has no value for some.",
    MERGE_KEY_UNKNOWN="A value that no field uses.",
)
_describe(
    ImportStatus,
    "Where an import is.",
    UPLOADED="Its file is here; waits for `startImport`.",
    RUNNING="Being checked or carried out; goes on by itself after a restart.",
    CHECKED="A dry run ended; waits for `startImport` without it.",
    FINISHED="Carried out, apart from the lines refused.",
    FAILED="It could not be read at all.",
    CANCELLED="Cancelled.",
)
_describe(
    ExportFormat,
    "A file that is written while it is fetched.",
    CSV="RFC 4180, UTF-8, a header line, formulas defused.",
    JSONL="One JSON object a line.",
)
_describe(
    CountPrecision,
    "How surely something was counted.",
    EXACT="Counted, to the last one.",
    AT_LEAST="Counting stopped there.",
    ESTIMATE="Estimated from a part, or by the planner's or a rollup's figures, beyond 10,000.",
)
_describe(
    ListKind,
    "How a list's members are found.",
    FIXED="Added and removed one by one.",
    DYNAMIC="Who meets its criteria, whenever it is read.",
)
_describe(
    CustomerField,
    "What is known of every customer.",
    NAME="Its name.",
    EXTERNAL_REF="Its id in the CRM.",
    DOMAIN="The domain of its primary address.",
    LOCALE="Its language.",
    TIME_ZONE="Its time zone.",
)
_describe(
    MailHappening,
    "What happens to mail, machines left out.",
    MAILED="A message was made.",
    ACCEPTED="A server took it.",
    FAILED="It was refused or came back.",
    OPENED="A person opened it, as far as is known.",
    CLICKED="A person clicked in it.",
    REPLIED="It was answered.",
)
_describe(
    DnsRecordKind,
    "Which record.",
    SPF="Who may send (RFC 7208).",
    DKIM="The key of our signature (RFC 6376).",
    DMARC="The policy, and whether we align with it (RFC 7489).",
    RETURN_PATH="Where bounces come back.",
)
_describe(
    UncertainDecision,
    "What a person decides about uncertain mail.",
    RETRY="Try again: some may get it twice.",
    ASSUME_SENT="Take it for sent: some may get nothing.",
)
