"""What can be done, one mutation an intent."""

from __future__ import annotations

import strawberry

from service.graph import (
    bulk_actions,
    campaign_decisions,
    campaign_trigger,
    campaigning,
    consent,
    draft_changes,
    gateway_orders,
    gateway_state,
    imports,
    lists,
    mailing_preview,
    reclassify,
    sending,
    suppression,
    template_draft,
    unmatched,
    upsert,
)
from service.graph.intent import intent


@strawberry.type(description="What can be done. Refusals are `userErrors`; a refused call has done nothing.")
class Mutation:
    """The entry points; each resolver stands beside its input and its payload."""

    upsert_customers = intent(upsert.upsert_customers, "Insert or update customers by `externalRef`, all or none.")
    create_sender = intent(campaigning.create_sender, "Create a profile to send mail as.")
    update_sender = intent(campaigning.update_sender, "Change a sender: a new version; mail on its way keeps its own.")
    create_template = intent(campaigning.create_template, "Publish a template, or a new version of one.")
    create_campaign = intent(campaigning.create_campaign, "Create a campaign; it waits for `launchCampaign`.")
    update_campaign = intent(
        draft_changes.update_campaign,
        "Change a campaign that is not launched; of one under way, its title and priority.",
    )
    copy_campaign = intent(draft_changes.copy_campaign, "Make a draft like another campaign.")
    delete_campaign = intent(draft_changes.delete_campaign, "Delete a draft.")
    archive_campaign = intent(
        draft_changes.archive_campaign, "Put a finished or cancelled campaign away, or back; it is kept."
    )
    add_mailing = intent(
        draft_changes.add_mailing, "Add a mailing; also to a campaign under way, when its time is still to come."
    )
    update_mailing = intent(draft_changes.update_mailing, "Change a mailing whose audience is not frozen.")
    remove_mailing = intent(draft_changes.remove_mailing, "Take a mailing off that was not launched, or call it off.")
    launch_campaign = intent(campaigning.launch_campaign, "Start a campaign.")
    pause_campaign = intent(campaigning.pause_campaign, "Stop a running campaign: nothing more of it is handed off.")
    resume_campaign = intent(campaigning.resume_campaign, "Let a paused campaign go on.")
    cancel_campaign = intent(campaigning.cancel_campaign, "End a campaign for good; its waiting mail is cancelled.")
    create_list = intent(lists.create_list, "Make a list.")
    update_list = intent(
        lists.update_list, "Change a list's name, criteria or growth; campaigns under way keep their audience."
    )
    delete_list = intent(
        lists.delete_list, "Delete a list that no campaign under way or scheduled needs, and no import fills."
    )
    add_to_list = intent(lists.add_to_list, "Add customers to a fixed list; members stay.")
    remove_from_list = intent(lists.remove_from_list, "Take customers out of a fixed list.")
    send_test_email = intent(
        mailing_preview.send_test_email,
        "Mail a mailing to addresses of one's own: marked [Test], outside history and counts, its links inert.",
    )
    send_template_test = intent(
        template_draft.send_template_test,
        "Mail a template that need not be published to addresses of one's own: as sendTestEmail.",
    )
    trigger_campaign = intent(
        campaign_trigger.trigger_campaign, "Tell an event-based campaign that something happened to a customer."
    )
    retry_campaign = intent(
        campaign_decisions.retry_campaign, "Try a campaign's failures again, exactly those that are so now."
    )
    settle_campaign = intent(campaign_decisions.settle_campaign, "Decide all that is uncertain of a campaign now.")
    send_work_order_email = intent(
        sending.send_work_order_email, "Mail a customer about a work order, with an .ics attached."
    )
    send_e_signature_email = intent(sending.send_e_signature_email, "Mail a customer a document to sign.")
    send_card_processing_email = intent(sending.send_card_processing_email, "Mail a customer about a card payment.")
    retry_message = intent(
        sending.retry_message, "Try a message again that was refused, expired, bounced, held or left uncertain."
    )
    assume_sent = intent(sending.assume_sent, "Decide that an uncertain message was sent.")
    cancel_message = intent(sending.cancel_message, "Call a message back that is not sent yet.")
    undo_decision = intent(
        sending.undo_decision,
        "Take a person's last decision about a message back, while nothing else happened since. `message` is null, "
        "too, where it is none any more: received mail that is nobody's again and answers none.",
    )
    retry_messages = intent(bulk_actions.retry_messages, "Try many messages again.")
    assume_sent_messages = intent(bulk_actions.assume_sent_messages, "Decide that many uncertain messages were sent.")
    cancel_messages = intent(bulk_actions.cancel_messages, "Cancel many messages that are not sent yet.")
    dismiss_messages = intent(
        bulk_actions.dismiss_messages, "Take failed messages off the worklist; no status changes."
    )
    pause_lane = intent(gateway_state.pause_lane, "Stop a lane of individual mail: nothing more of it is handed off.")
    resume_lane = intent(gateway_state.resume_lane, "Let a lane go on.")
    resume_relay = intent(gateway_state.resume_relay, "Say that a stopped or paused relay works again.")
    resume_destination = intent(gateway_state.resume_destination, "Say that a paused domain takes mail again.")
    pause_relay = intent(gateway_orders.pause_relay, "Stop a relay until a time or a person ends it; its mail waits.")
    pause_destination = intent(
        gateway_orders.pause_destination, "Stop mail to a domain until a time or a person ends it."
    )
    set_relay_limit = intent(
        gateway_orders.set_relay_limit, "Set, change or lift a relay's limits, over those of RELAY_URL."
    )
    set_destination_limit = intent(gateway_state.set_destination_limit, "Set, change or lift a domain's limits.")
    set_opt_out = intent(
        consent.set_opt_out, "Write down what a customer chose not to get, or that it may be sent again."
    )
    suppress_address = intent(
        suppression.suppress_address, "Say that an address must not be mailed; its queued mail is held."
    )
    lift_suppression = intent(suppression.lift_suppression, "Say that an address may be mailed again. Opt-outs stay.")
    suppress_again = intent(
        suppression.suppress_again,
        "Take the lifting of a suppression back: it stands again as it did, with a new id, and what is queued for its "
        "address is held.",
    )
    correct_address = intent(
        suppression.correct_address,
        "Replace an address of a customer's, and send what waits for it to the right one. What stands against the"
        " wrong address stays.",
    )
    believe_report = intent(
        unmatched.believe_report, "Say that a report which carries no token of ours is true: it counts from now on."
    )
    assign_mail = intent(unmatched.assign_mail, "Say whose a received mail is; it joins that history.")
    dismiss_mail = intent(unmatched.dismiss_mail, "Take a mail off the list; it is kept as long as its kind is kept.")
    reread_inbound = intent(unmatched.reread_inbound, "Read received mail of the past again, by the current rules.")
    start_import = intent(
        imports.start_import, "Check or carry out an import whose file `POST /imports` took; it goes on by itself."
    )
    cancel_import = intent(imports.cancel_import, "End an import; what it has done stays.")
    reclassify_hits = intent(
        reclassify.reclassify_hits, "Judge opens and clicks of the past again, by the current rules."
    )
