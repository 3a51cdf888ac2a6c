/*
** dicom_command.h - a DIMSE command set (PS3.7 section 9.3 and annex E), as it begins a DIMSE message.
**
** Spans point into the bytes that were read and live as long as they do.  Nothing fails: a field that is not there, or not of its size, is
** said not to be there.
*/
#ifndef TL_DICOM_COMMAND_H
#define TL_DICOM_COMMAND_H

#include "message/protocol/machine.h"

enum { TL_DICOM_NO_DATA_SET = 0x0101 }; /* in `data_set`: the command is all of the message */

struct tl_dicom_command {
    uint16_t field, id, answers, data_set, status, priority;
    bool has_id, has_answers, has_data_set, has_status, has_priority;
    int from; /* in `commands`; -1: none */
    tl_span sop_class, instance, destination, originator;
    int32_t remaining, completed, failed, warned; /* sub-operations; -1: not said */
};

/* Of as many bytes of a command set as are there: group 0000, implicit VR, little-endian. */
struct tl_dicom_command tl_dicom_command_read(tl_span in);
/* v with its kind, role and id: a response has the id of the message it answers; C-CANCEL-RQ answers nothing and is not answered. */
tl_verdict tl_dicom_command_verdict(tl_verdict v, const struct tl_dicom_command *c);
/* The service's name, and the status of a response. */
void tl_dicom_command_label(tl_label *l, const struct tl_dicom_command *c);
void tl_dicom_command_describe(const struct tl_dicom_command *c, tl_text *json);
/* UIDs and titles are padded to even length, with zeros or spaces. */
tl_span tl_dicom_unpadded(tl_span s);

#endif
